// Command profiled is the service with profiles, for `go run ./test/bench -profile DIR`.
// Nothing else starts it. The service itself offers no profiles.
//
// The first SIGUSR1 begins the CPU profile. The second ends it and also writes profiles
// of the heap, allocations and mutex waits. BENCH_PROFILE is the files' prefix.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"

	"remux-retrier/internal/app"
)

// mutexFraction: one of this number of mutex waits is recorded.
const mutexFraction = 10

func main() {
	runtime.SetMutexProfileFraction(mutexFraction)
	written := make(chan struct{})
	go func() {
		defer close(written)
		profile(os.Getenv("BENCH_PROFILE"))
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := app.Run(ctx, os.Args[1:], "profiled", os.Stdout, os.Stderr, nil)
	stop()
	select { // writing goes on while the service drains
	case <-written:
	case <-time.After(5 * time.Second): // there was no second SIGUSR1
	}
	os.Exit(code)
}

func profile(prefix string) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1)
	<-signals
	cpu, err := os.Create(prefix + ".cpu.pprof")
	if err == nil {
		err = pprof.StartCPUProfile(cpu)
	}
	<-signals
	pprof.StopCPUProfile()
	for _, kind := range []string{"heap", "allocs", "mutex"} {
		if err == nil {
			err = write(prefix, kind)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
	}
}

func write(prefix, kind string) error {
	f, err := os.Create(prefix + "." + kind + ".pprof")
	if err != nil {
		return err
	}
	if err := pprof.Lookup(kind).WriteTo(f, 0); err != nil {
		return err
	}
	return f.Close()
}
