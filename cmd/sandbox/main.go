// Command sandbox demonstrates the service: it runs the real one between an embedded Kafka
// broker and a simulator of MPC, and prints each event's answer. `sandbox -h` explains it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"remux-retrier/cmd/sandbox/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops the sandbox in order. It also removes the handler, so
	// that a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(sandbox.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
