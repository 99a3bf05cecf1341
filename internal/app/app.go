// Package app is the program: it reads the configuration, wires the rooms
// together and sees them through their life. It is the only place where they
// meet; main and the sandbox start it, nothing else imports it.
//
//	app.go      commands and exit codes
//	service.go  life cycle
//	instance.go wiring: the service without its sockets
//	twins.go    other members of this instance's name
//	path.go     one record's way through the rooms; read this first
//	topics.go   what must be there before the work begins
//	connect.go  configuration → Kafka and MPC clients
//	watch.go    notices a hanging loop, for /healthz
//	ready.go    what /readyz says
package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/config"
)

// Exit codes of Run.
const (
	exitStopped = 0 // stopped cleanly, or did what was asked
	exitFailed  = 1 // failed while starting or running
	exitUsage   = 2 // bad configuration or usage
)

// Run executes the command line and returns the exit code. The context's end
// stops the service cleanly.
func Run(ctx context.Context, args []string, version string, stdout, stderr io.Writer) int {
	command := "run"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "run", "version", "help", "-h", "-help", "--help":
	default:
		fmt.Fprintf(stderr, "remux-retrier: unknown command %q; the commands are run, version and help\n", command)
		return exitUsage
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "remux-retrier: %s takes no arguments, got %q\n", command, args)
		return exitUsage
	}
	switch command {
	case "run":
		return runService(ctx, version, stderr)
	case "version":
		fmt.Fprintf(stdout, "remux-retrier %s\n", version)
	default:
		help(stdout)
	}
	return exitStopped
}

func runService(ctx context.Context, version string, stderr io.Writer) int {
	cfg, err := config.Load()
	if err != nil {
		for _, warning := range cfg.Warnings {
			fmt.Fprintln(stderr, "warning: "+warning)
		}
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	log := newLogger(cfg, stderr)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	if err := Serve(ctx, cfg, version, log); err != nil {
		log.Error(err)
		return exitFailed
	}
	return exitStopped
}

func newLogger(cfg config.Config, w io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(w)
	log.SetLevel(cfg.LogLevel)
	if cfg.LogFormat == config.JSON {
		log.SetFormatter(&logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano})
	} else {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: "15:04:05.000"})
	}
	return log
}

func help(w io.Writer) {
	fmt.Fprint(w, `remux-retrier retries failed remux tasks: it consumes failure events from Kafka,
calls MPC's retry operation and publishes what became of each.

Usage:
  remux-retrier [run]     run the service
  remux-retrier version   print the version
  remux-retrier help      print this

It is configured by environment variables alone:

`)
	for _, row := range config.Table() {
		name := row.Name
		if row.Default != "" {
			name += " (" + row.Default + ")"
		}
		fmt.Fprintf(w, "  %s\n      %s\n", name, row.Description)
	}
	fmt.Fprint(w, "\nExit codes: 0 stopped cleanly, 1 failed while starting or running, 2 bad configuration or usage.\n")
}
