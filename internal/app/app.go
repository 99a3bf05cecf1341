// Package app is the program: it reads the configuration, wires the rooms
// together and sees them through their life. It is the only place where they
// meet; main, the sandbox and the bench's service with profiles start it, nothing else
// imports it.
//
//	app.go      commands and exit codes
//	output.go   standard output, and whether it could be written
//	library.go  what the standard library logs
//	service.go  life cycle
//	instance.go wiring: the service without its sockets
//	twins.go    other members of this instance's name
//	path.go     one record's way through the rooms; read this first
//	observe.go  tells stories and traces what happens to each event
//	tracing.go  opens and closes the exporter of traces
//	topics.go   what must be there before the work begins
//	connect.go  configuration → Kafka and MPC clients
//	files.go    says what becomes of the files of secrets and certificates
//	garbage.go  when the collector comes
//	watch.go    notices a hanging loop, for /healthz
//	operate.go  what the operator's page is told
//	ready.go    what /readyz says, and the line that says ready
//	receive.go  life cycle and wiring of the command receive
package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/term"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/command"
	"remux-retrier/internal/config"
	"remux-retrier/internal/plain"
	"remux-retrier/mpcclient"
)

// Exit codes of Run.
const (
	exitStopped = 0 // stopped cleanly, or did what was asked
	exitFailed  = 1 // failed while starting or running
	exitUsage   = 2 // bad configuration or usage
)

// Process is what the service and receive share with their process. Each field
// may be nil.
type Process struct {
	// Hangups is called once. At each signal from it the service reads its files again.
	Hangups func() <-chan os.Signal
	// Log is given the service's log as soon as there is one.
	Log func(*logrus.Logger)
}

func (p *Process) hangups() <-chan os.Signal {
	if p.Hangups == nil {
		return nil
	}
	return p.Hangups()
}

func (p *Process) logsTo(log *logrus.Logger) {
	if p.Log != nil {
		p.Log(log)
	}
}

// Run executes the command line and returns the exit code. The context's end
// stops the service cleanly. Whoever reads standard output must be able to rely
// on it: what could not be written there is a failure. A nil process is one
// without signals.
func Run(ctx context.Context, args []string, version string, stdout, stderr io.Writer, process *Process) int {
	if process == nil {
		process = &Process{}
	}
	out := &output{to: stdout}
	code := run(ctx, args, version, out, stderr, process)
	if err := out.failed(); err != nil {
		fmt.Fprintf(stderr, "remux-retrier: standard output is not complete: %v\n", err)
		return max(code, exitFailed)
	}
	return code
}

func run(ctx context.Context, args []string, version string, stdout, stderr io.Writer, process *Process) int {
	name := "run"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "run", "version", "-version", "--version":
		if len(args) > 0 {
			if isHelp(args[0]) {
				return help(nil, stdout, stderr)
			}
			fmt.Fprintf(stderr, "remux-retrier: %s takes no arguments, got %.300q\n", name, args)
			return exitUsage
		}
		if name == "run" {
			return runService(ctx, version, stderr, process)
		}
		fmt.Fprintf(stdout, "remux-retrier %s\n", version)
		return exitStopped
	}
	if name == "help" || isHelp(name) {
		return help(args, stdout, stderr)
	}
	if code, known := command.Run(ctx, commandEnv(version, stdout, stderr, process), name, args); known {
		return code
	}
	return unknown(name, stderr)
}

// isHelp knows the flags that ask for help everywhere.
func isHelp(arg string) bool { return slices.Contains([]string{"-h", "-help", "--help"}, arg) }

func unknown(name string, stderr io.Writer) int {
	fmt.Fprintf(stderr, "remux-retrier: unknown command %.100q; the commands are run, %s, version and help\n", name, strings.Join(command.Names(), ", "))
	return exitUsage
}

// commandEnv is what the commands are given. Their clients, and the library below
// them, say nothing by themselves. Receive is a service, and logs as one.
func commandEnv(version string, stdout, stderr io.Writer, process *Process) command.Env {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	hearLibrary(quiet)
	return command.Env{
		Version: version, Stdin: os.Stdin, Stdout: stdout, Stderr: stderr,
		Kafka: func(cfg config.Config) (*kafkalog.Log, error) { return connectKafka(cfg, quiet) },
		MPC: func(cfg config.Config) (*mpcclient.Client, error) {
			return connectMPC(cfg, version, func(context.Context) error { return nil })
		},
		Receive: func(ctx context.Context, cfg config.Receive) int {
			return receiving(ctx, cfg, version, stderr, process)
		},
	}
}

func runService(ctx context.Context, version string, stderr io.Writer, process *Process) int {
	reread := process.hangups()
	cfg, err := config.Load()
	if err != nil {
		stderr = plain.Writer(stderr)
		for _, warning := range cfg.Warnings {
			fmt.Fprintln(stderr, "warning: "+warning)
		}
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	log := newLogger(cfg, stderr)
	hearLibrary(log)
	process.logsTo(log)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	if err := serve(ctx, cfg, version, log, reread); err != nil {
		log.Error(err)
		return exitFailed
	}
	return exitStopped
}

func newLogger(cfg config.Config, w io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(plain.Writer(w))
	log.SetLevel(cfg.LogLevel)
	if cfg.LogFormat == config.JSON || cfg.LogFormat == config.AutoFormat && !isTerminal(w) {
		log.SetFormatter(&logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano})
	} else {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: "2006-01-02T15:04:05.000Z07:00"})
	}
	return log
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// help prints how to use the program, or one command.
func help(args []string, stdout, stderr io.Writer) int {
	switch {
	case len(args) > 1:
		fmt.Fprintf(stderr, "remux-retrier: help takes the name of one command, got %.300q\n", args)
		return exitUsage
	case len(args) == 1 && !slices.Contains([]string{"run", "version", "help"}, args[0]):
		if command.Help(stdout, args[0]) {
			return exitStopped
		}
		return unknown(args[0], stderr)
	}
	overview(stdout)
	return exitStopped
}

func overview(w io.Writer) {
	fmt.Fprint(w, `remux-retrier retries failed remux tasks: it consumes failure events from Kafka,
calls MPC's retry operation and publishes what became of each.

Usage:
  remux-retrier [run]           run the service
  remux-retrier version         print the version
  remux-retrier help [COMMAND]  print this, or how to use a command

`)
	command.Summary(w)
	fmt.Fprint(w, `
It is configured by environment variables alone:

`)
	for _, row := range config.Table() {
		name := row.Name
		if row.Default != "" {
			name += " (" + row.Default + ")"
		}
		fmt.Fprintf(w, "  %s\n%s\n", name, plain.Wrap(row.Description, "      ", plain.HelpWidth))
	}
	fmt.Fprint(w, "\nExit codes: 0 stopped cleanly, 1 failed while starting or running, 2 bad configuration or usage.\n")
}
