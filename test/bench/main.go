// Command bench compares the service with two bare loops on a real Kafka, in one run:
// `make bench`. docs/PERFORMANCE.md explains its output.
//
// A bare loop fetches, calls, publishes and commits, and does nothing else. One uses
// kafka-go, the other franz-go. The service and the loops are child processes with the
// same topics, the same API and the same number of calls in flight. A single figure
// means little on a shared machine: each round runs all contestants, in alternating
// order, and the median of the rounds' ratios is judged.
//
// It needs the same as `make kafka`, and Linux: figures come from /proc. Nothing imports
// it.
//
//	scenarios.go          the cases
//	run.go                one run of a contestant, and what it has used
//	drain.go, steady.go,
//	idle.go, hostile.go   what one run measures
//	readers.go            clients of the page, during a run
//	limits.go, judge.go   the aims, and when a run fails
//	results.go, table.go  the figures of all rounds, and the table
//	child.go, proc.go     the processes, and what they use
//	api.go, kafka.go      the API in place of MPC; topics and backlogs
//	loop*.go              the bare loops
//	takeover.go           -take-over: what a rebalance costs the ledger
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"remux-retrier/internal/testkafka"
)

type options struct {
	short    bool
	rounds   int
	only     *regexp.Regexp
	profile  string
	takeOver int
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == loopArg {
		if err := runLoop(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "bare loop:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	only := flag.String("only", "", "run the cases whose \"scenario: case\" this regular expression matches")
	flag.BoolVar(&o.short, "short", false, "about four minutes: fewer cases and events, as in CI")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of the scenarios speed and steady; the others have one")
	flag.StringVar(&o.profile, "profile", "", "run the service alone and write its CPU, heap, allocation and mutex profiles to this directory")
	flag.IntVar(&o.takeOver, "take-over", 0, "measure only how long a member takes to read back this number of outcomes when it is assigned partitions")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil || flag.NArg() > 0 || o.rounds < 1 {
		fmt.Fprintln(os.Stderr, "bench: expected a regular expression for -only, at least 1 for -rounds, and no arguments")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := benchmark(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signals
	}
}

func benchmark(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "remux-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := build(ctx, dir, o.profile != "")
	if err != nil {
		return err
	}
	cluster, err := testkafka.Start(ctx, testkafka.Config{})
	if err != nil {
		return err
	}
	defer cluster.Close()
	k, err := newCluster(cluster.Addrs(), cluster.PIDs())
	if err != nil {
		return err
	}
	defer k.Close()
	if o.takeOver > 0 {
		return k.takeOver(ctx, o.takeOver)
	}
	b := &bench{options: o, kafka: k, binary: binary, who: []string{service, kafkaGo, franzGo}}
	if o.profile != "" {
		b.who = b.who[:1]
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return err
		}
	}
	fmt.Print(machine())
	if err := b.warmUp(ctx); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	return b.all(ctx)
}

// build builds the service as it is shipped, or the variant that writes profiles.
func build(ctx context.Context, dir string, profiled bool) (binary string, err error) {
	what := "."
	if profiled {
		what = "./test/bench/profiled"
	}
	binary = filepath.Join(dir, "remux-retrier")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, what)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the service (run this from the repository's top): %w\n%s", err, out)
	}
	return binary, nil
}
