// Command sandbox is the one-command demonstration: the real service between a
// Kafka broker and a simulated MPC, and every failure event's way to its answer
// on the terminal. `sandbox -h` explains it.
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
	// The first signal asks for an orderly end; with the handler gone, a second
	// one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(sandbox.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
