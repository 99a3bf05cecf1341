// Command bench compares the service with a bare loop — fetch, call, publish,
// commit, and nothing else — on a real Kafka, both in one run: `make bench`.
//
// Both are child processes with the same topics, the same API and the same
// number of calls in flight; a round runs one after the other, and the figures
// are the medians of the rounds and their ratios. Times of single runs say
// nothing on a shared machine. With -take-over it measures instead what reading the
// ledger costs a member in a rebalance. It needs what `make kafka` needs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"remux-retrier/internal/testkafka"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == bareArg {
		if err := runBare(); err != nil {
			fmt.Fprintln(os.Stderr, "bare loop:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	short := flag.Bool("short", false, "about a minute: one round, the first and last setting")
	flag.IntVar(&o.events, "events", 20_000, "failure events of a throughput run")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each setting")
	flag.DurationVar(&o.steady, "steady", 10*time.Second, "length of a run at 200 events a second")
	flag.IntVar(&o.takeOver, "take-over", 0, "instead: how long so many outcomes take to read back when a member is given partitions")
	flag.Parse()
	settings := []setting{
		{10 * time.Millisecond, 100}, {10 * time.Millisecond, 1000}, {50 * time.Millisecond, 100}, {50 * time.Millisecond, 1000},
	}
	if *short {
		o.rounds, o.steady = 1, 5*time.Second
		settings = []setting{settings[0], settings[3]}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, settings); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	events, rounds, takeOver int
	steady                   time.Duration
}

// setting is an API latency and a number of calls in flight.
type setting struct {
	latency  time.Duration
	inFlight int
}

// contestants in the order of a round.
var contestants = []string{"service", "bare loop"}

func run(ctx context.Context, o options, settings []setting) error {
	dir, err := os.MkdirTemp("", "remux-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "remux-retrier")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("building the service (run this from the repository's top): %w\n%s", err, out)
	}
	cluster, err := testkafka.Start(ctx, testkafka.Config{})
	if err != nil {
		return err
	}
	defer cluster.Close()
	k, err := newKafka(cluster.Addrs())
	if err != nil {
		return err
	}
	defer k.Close()

	if o.takeOver > 0 {
		return k.takeOver(ctx, o.takeOver)
	}
	fmt.Printf("Backlog of %d events, 8 partitions, acks=all; medians of %d rounds.\n\n", o.events, o.rounds)
	fmt.Printf("%-12s %-10s | %-30s | %s\n", "API latency", "in flight", "events/s: service, bare, ratio", "CPU ms/1,000 events: service, bare, ratio")
	// A broker that has just begun compiles itself meanwhile, at the cost of whoever
	// comes first: this run is nobody's.
	if _, err := k.drainBacklog(ctx, contestants[1], binary, settings[0], o.events); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	for _, s := range settings {
		speed, cpu := map[string][]float64{}, map[string][]float64{}
		for range o.rounds {
			for _, who := range contestants {
				f, err := k.drainBacklog(ctx, who, binary, s, o.events)
				if err != nil {
					return fmt.Errorf("%s at %v, %d in flight: %w", who, s.latency, s.inFlight, err)
				}
				speed[who] = append(speed[who], f.perSecond)
				cpu[who] = append(cpu[who], f.cpuPerThousand)
			}
		}
		fmt.Printf("%-12v %-10d | %s | %s\n", s.latency, s.inFlight, compare("%8.0f", speed), compare("%8.1f", cpu))
	}

	fmt.Printf("\n200 events/s for %v, API latency 10 ms; medians of %d rounds.\n\n", o.steady, o.rounds)
	fmt.Printf("%-24s | %-30s | %s\n", "", "answer ms, median: service, bare, ratio", "CPU ms/1,000 events: service, bare, ratio")
	answer, cpu := map[string][]float64{}, map[string][]float64{}
	for range o.rounds {
		for _, who := range contestants {
			f, err := k.steady(ctx, who, binary, setting{10 * time.Millisecond, 100}, o.steady)
			if err != nil {
				return fmt.Errorf("%s at 200 events/s: %w", who, err)
			}
			answer[who] = append(answer[who], f.medianMS)
			cpu[who] = append(cpu[who], f.cpuPerThousand)
		}
	}
	fmt.Printf("%-24s | %s | %s\n", "", compare("%8.2f", answer), compare("%8.1f", cpu))
	return nil
}

// compare prints the medians of both and their ratio.
func compare(format string, figures map[string][]float64) string {
	service, bare := median(figures[contestants[0]]), median(figures[contestants[1]])
	return fmt.Sprintf(format+" "+format+" %10.2f", service, bare, service/bare)
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	if len(figures) == 0 {
		return 0
	}
	return figures[len(figures)/2]
}

var errStopped = errors.New("the child ended before its work")
