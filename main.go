// Command remux-retrier reads failure events from Kafka, asks MPC to retry the failed
// tasks, and publishes an outcome for each event. See README.md. This package only
// handles signals; the program is internal/app.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/app"
	"remux-retrier/internal/clock"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = "devel"

// sameSignalWithin is how long after a signal another one counts as the same: tools that
// stop a process and its process group (timeout, a shell's kill of a job) signal twice
// within microseconds. A person is slower, and a person's second signal ends the process at
// once.
const sameSignalWithin = 20 * time.Millisecond

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Without this a closed pipe on standard output would end a service with calls in
	// flight. It is an ordinary write error instead.
	signal.Ignore(syscall.SIGPIPE)
	var log atomic.Pointer[logrus.Logger] // the service's; a command has none
	go stopOnSignals(signals, stop, func() {
		logWithin(time.Second, log.Load(), "second signal: ending at once")
		os.Exit(1) // as PID 1 in a container it would ignore the signal's default action
	})
	os.Exit(app.Run(ctx, os.Args[1:], version, os.Stdout, os.Stderr, &app.Process{Hangups: hangups, Log: log.Store}))
}

// logWithin logs the text, or prints it without a logger. It waits no longer than the
// limit: the output may be a full pipe.
func logWithin(limit time.Duration, log *logrus.Logger, text string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if log != nil {
			log.Warn(text)
		} else {
			fmt.Fprintln(os.Stderr, text)
		}
	}()
	ctx, cancel := clock.WithTimeout(context.Background(), clock.System, limit)
	defer cancel()
	_ = clock.System.Wait(ctx, done)
}

// hangups takes over SIGHUP, only for the service: a command ends with its terminal.
func hangups() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// stopOnSignals calls stop at the first signal, and end at the next one.
func stopOnSignals(signals <-chan os.Signal, stop, end func()) {
	<-signals
	stop()
	// Signals that are already queued after this time came with the first one, even on a
	// busy machine.
	_ = clock.System.Sleep(context.Background(), sameSignalWithin) // its context never ends
	for len(signals) > 0 {
		<-signals
	}
	if _, again := <-signals; again {
		end()
	}
}
