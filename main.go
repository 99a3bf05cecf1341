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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends the context. From then on signals have their usual
	// effect again, so that a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(app.Run(ctx, os.Args[1:], version, os.Stdout, os.Stderr))
}
