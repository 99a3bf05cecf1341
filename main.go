// Remux-retrier answers remux.failed events: it has MPC retry the failed tasks
// and publishes what became of each event. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"remux-retrier/internal/app"
)

// version is stamped in by the build (-ldflags "-X main.version=…").
var version = "devel"

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		os.Exit(1) // at once, as a second signal asks; a first process in a container would ignore the usual effect
	}()
	os.Exit(app.Run(ctx, os.Args[1:], version, os.Stdout, os.Stderr))
}
