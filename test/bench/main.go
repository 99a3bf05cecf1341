// Command bench measures the service beside two bare loops on a real Kafka, all
// in one run: `make bench`. docs/PERFORMANCE.md says how to read what it prints.
//
// A bare loop fetches, calls, publishes and commits, and does nothing else: one
// is written on kafka-go, one on franz-go. The service and the loops are child
// processes with the same topics, the same API and as many calls in flight.
// Single figures say little on a shared machine: each round runs all of them, in
// alternating order, and what is judged is the median of the rounds' ratios.
//
// It needs what `make kafka` needs, and Linux: figures come from /proc. Nothing
// imports it.
//
//	scenarios.go         what is run
//	drain.go, steady.go, idle.go  how one run is measured
//	limits.go            the aims, and what CI fails for
//	results.go, table.go figures of all rounds → the table
//	child.go, proc.go    the processes, and what they use
//	loop*.go             the bare loops
//	takeover.go          -take-over: what a rebalance costs the ledger
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
	flag.BoolVar(&o.short, "short", false, "about three minutes: fewer cases and events, as CI does it")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each case")
	flag.StringVar(&o.profile, "profile", "", "run the service alone and write its CPU, heap, allocation and mutex profiles to this directory")
	flag.IntVar(&o.takeOver, "take-over", 0, "instead: how long so many outcomes take to read back when a member is given partitions")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil || flag.NArg() > 0 || o.rounds < 1 {
		fmt.Fprintln(os.Stderr, "bench: -only wants a regular expression, -rounds at least 1, and there are no arguments:", err)
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
	k, err := newKafka(cluster.Addrs(), cluster.PIDs())
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

// build builds the service as it is shipped, or the one that writes profiles.
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
