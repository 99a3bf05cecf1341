// Remux-retrier answers remux.failed events: it has MPC retry the failed tasks
// and publishes what became of each event. See README.md.
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

// version is stamped in by the build (-ldflags "-X main.version=…").
var version = "devel"

// oneStop is how long after a signal another one is the same wish: who stops a
// process and its process group (timeout, a shell's kill of a job) signals twice
// within microseconds. No person is as fast, and a second wish ends at once.
const oneStop = 20 * time.Millisecond

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// A reader of the output that goes away is an error of writing like any other,
	// and not the end of a service with calls in flight.
	signal.Ignore(syscall.SIGPIPE)
	var log atomic.Pointer[logrus.Logger] // the service's; a command has none
	go heed(signals, stop, func() {
		sayWithin(time.Second, log.Load(), "second signal: ending at once")
		os.Exit(1) // a first process in a container would ignore the usual effect
	})
	os.Exit(app.Run(ctx, os.Args[1:], version, os.Stdout, os.Stderr, &app.Process{Hangups: hangups, Log: log.Store}))
}

// sayWithin logs the text, or prints it where there is no log. It does not wait longer
// than the limit: nobody may read what is written.
func sayWithin(limit time.Duration, log *logrus.Logger, text string) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		if log != nil {
			log.Warn(text)
		} else {
			fmt.Fprintln(os.Stderr, text)
		}
	}()
	ctx, cancel := clock.WithTimeout(context.Background(), clock.System, limit)
	defer cancel()
	_ = clock.System.Wait(ctx, said)
}

// hangups takes SIGHUP from its usual effect, for the service alone: a command ends
// with its terminal.
func hangups() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals
}

// heed calls stop at the first signal, and end at the first that asks again.
func heed(signals <-chan os.Signal, stop, end func()) {
	<-signals
	stop()
	// Whatever is here after this long came with the first, however late a busy
	// machine lets this process look.
	_ = clock.System.Sleep(context.Background(), oneStop) // whose context never ends
	for len(signals) > 0 {
		<-signals
	}
	if _, again := <-signals; again {
		end()
	}
}
