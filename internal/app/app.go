// Package app is the program: it reads the configuration, connects the packages, and runs
// the service. It is the only place that connects them. Main, the sandbox and the
// benchmark's profiled service start it. The simulation uses its Instance.
//
//	app.go        commands and exit codes
//	output.go     standard output, and write errors on it
//	library.go    log lines of Go's standard library
//	service.go    start, run, stop
//	instance.go   the service without its sockets
//	samename.go   other group members with this instance's name
//	handler.go    the path of one record; read this first
//	recovered.go  an event that reports a task's success
//	observe.go    reports each event to stories and traces
//	tracing.go    opens and closes the trace exporter
//	topics.go     checks and creates topics at the start
//	connect.go    configuration → Kafka and MPC clients
//	files.go      reports changes of secret and certificate files
//	gc.go         tunes the garbage collector
//	measure.go    counts and times the API calls
//	watch.go      detects hanging loops, for /healthz
//	operate.go    data for the operator's page
//	ready.go      checks for /readyz, and the line that says ready
//	receive.go    start, run, stop of the command receive
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
	exitStopped = 0 // stopped cleanly, or did what was requested
	exitFailed  = 1 // failed while starting or running
	exitUsage   = 2 // bad configuration or usage
)

// Process is what the service and receive need from their process. Each field may be nil.
type Process struct {
	// Hangups returns a channel and is called once. At each signal from it the service
	// reads its files again.
	Hangups func() <-chan os.Signal
	// Log is called with the service's logger as soon as it exists.
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

// Run executes the command line and returns the exit code. The end of the context stops the
// service cleanly. An error of writing standard output is a failure, so that its reader can
// rely on it. A nil process has no signals.
func Run(ctx context.Context, args []string, version string, stdout, stderr io.Writer, process *Process) int {
	if process == nil {
		process = &Process{}
	}
	out := &output{to: stdout}
	code := run(ctx, args, version, out, stderr, process)
	if err := out.failed(); err != nil {
		fmt.Fprintf(stderr, "remux-retrier: standard output is incomplete: %v\n", err)
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

// isHelp recognizes the flags that ask for help everywhere.
func isHelp(arg string) bool { return slices.Contains([]string{"-h", "-help", "--help"}, arg) }

func unknown(name string, stderr io.Writer) int {
	fmt.Fprintf(stderr, "remux-retrier: unknown command %.100q; the commands are run, %s, version and help\n", name, strings.Join(command.Names(), ", "))
	return exitUsage
}

// commandEnv is the commands' environment. Their clients and the libraries below do not
// log, except receive, which is a service and logs as one.
func commandEnv(version string, stdout, stderr io.Writer, process *Process) command.Env {
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	captureLibraryLog(quiet)
	return command.Env{
		Version: version, Stdin: os.Stdin, Stdout: stdout, Stderr: stderr,
		Kafka: func(cfg config.Config) (*kafkalog.Client, error) { return connectKafka(cfg, quiet) },
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
	captureLibraryLog(log)
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

// help prints the usage of the program or of one command.
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
calls MPC's retry operation and publishes an outcome for each.

Usage:
  remux-retrier [run]           run the service
  remux-retrier version         print the version
  remux-retrier help [COMMAND]  print this help, or the help of a command

`)
	command.Summary(w)
	fmt.Fprint(w, `
It is configured only by environment variables:

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
