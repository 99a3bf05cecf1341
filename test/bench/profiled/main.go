// Command profiled is the service with profiles, for `go run ./test/bench
// -profile DIR`; nothing else starts it. The service itself has none: its HTTP
// shows nothing of its inside.
//
// The first SIGUSR1 begins the CPU profile, the second ends it and writes heap,
// allocations and mutex waits beside it. BENCH_PROFILE is the files' prefix.
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

// mutexFraction has one of so many waits recorded: enough to see where they are.
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
	case <-time.After(5 * time.Second): // nobody asked for the end of the profile
	}
	os.Exit(code)
}

func profile(prefix string) {
	asked := make(chan os.Signal, 2)
	signal.Notify(asked, syscall.SIGUSR1)
	<-asked
	cpu, err := os.Create(prefix + ".cpu.pprof")
	if err == nil {
		err = pprof.StartCPUProfile(cpu)
	}
	<-asked
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
