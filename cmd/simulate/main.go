// Command simulate runs the whole service in virtual time with random faults, for many
// seeds. It stops at the first one that violates an invariant, and prints its story.
//
//	go run ./cmd/simulate -seeds 10000
//	go run ./cmd/simulate -story 4711
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"remux-retrier/internal/simulation"
)

func main() {
	debug.SetGCPercent(400) // a seed needs only some megabytes
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seeds := flags.Uint64("seeds", 1000, "how many seeds to simulate")
	from := flags.Uint64("from", 1, "the first seed")
	parallel := flags.Int("parallel", runtime.GOMAXPROCS(0), "how many seeds at once (workers); by default one for each core")
	same := flags.Bool("check-same", false, "simulate each seed twice and compare the runs")
	var stories []uint64
	flags.Func("story", "print what happens in this seed, and simulate only this one; may be repeated", func(text string) error {
		seed, err := strconv.ParseUint(text, 10, 64)
		stories = append(stories, seed)
		return err
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	if flags.NArg() > 0 || *parallel < 1 {
		fmt.Fprintln(stderr, "simulate: expected no arguments, and -parallel of at least 1; see -h")
		return 2
	}
	for _, seed := range stories {
		if simulation.Run(seed, stdout) != nil { // the story ends with the violation
			return 1
		}
	}
	if len(stories) > 0 {
		return 0
	}
	one := func(seed uint64) error { return simulation.Run(seed, nil) }
	if *same {
		one = twice
	}
	return many(one, *from, *seeds, *parallel, stdout)
}

// twice runs a seed twice, and fails if the runs differ.
func twice(seed uint64) error {
	first, err := simulation.Fingerprint(seed)
	if err != nil {
		return err
	}
	second, err := simulation.Fingerprint(seed)
	if err == nil && first != second {
		err = fmt.Errorf("seed %d differs in the second run", seed)
	}
	return err
}

// many runs seeds until one fails. If it violates an invariant, that seed's story is
// printed too. It returns the exit code.
func many(one func(uint64) error, from, seeds uint64, parallel int, stdout io.Writer) int {
	began := time.Now()
	var next, done atomic.Uint64
	next.Store(from)
	var mu sync.Mutex
	var failed error
	var failedSeed uint64
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < from+seeds; seed = next.Add(1) - 1 {
				if err := one(seed); err != nil {
					mu.Lock()
					if failed == nil || seed < failedSeed {
						failed, failedSeed = err, seed
					}
					mu.Unlock()
					next.Store(from + seeds)
					return
				}
				done.Add(1)
			}
		})
	}
	workers.Wait()
	took := time.Since(began)
	if failed != nil {
		if simulation.IsViolation(failed) {
			_ = simulation.Run(failedSeed, stdout) // the same error again
		}
		fmt.Fprintf(stdout, "%v\n(its story: go run ./cmd/simulate -story %d)\n", failed, failedSeed)
		return 1
	}
	perSecond := float64(done.Load()) / took.Seconds()
	fmt.Fprintf(stdout, "%d seeds from %d on: no violation. %.1f s, %.0f seeds/s, %.0f in each worker.\n",
		seeds, from, took.Seconds(), perSecond, perSecond/float64(parallel))
	return 0
}
