// Package command has the program's sub-commands: check, retry, redrive, sweep, explain and
// receive. Each has its own file. Results go to standard output, progress and warnings to
// standard error.
//
// It connects other packages (check, codes, history, outcomes, redrive, sweep) with flags
// and text, and decides nothing. Only package app imports it, and gives it its connections.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/term"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/config"
	"remux-retrier/internal/plain"
	"remux-retrier/mpcclient"
)

// Exit codes.
const (
	exitDone   = 0 // did what was asked
	exitFailed = 1
	exitUsage  = 2 // bad configuration or usage
)

// Env is the environment of a command. All fields but Stdin are required.
type Env struct {
	Version        string
	Stdout, Stderr io.Writer
	// Stdin is where retry reads task ids and a person's answer; nil: empty.
	Stdin io.Reader
	// Kafka and MPC make clients; neither opens a connection yet.
	Kafka func(config.Config) (*kafkalog.Client, error)
	MPC   func(config.Config) (*mpcclient.Client, error)
	// Receive runs the endpoint for SMN's messages and returns the exit code.
	Receive func(context.Context, config.Receive) int

	// terminal is standard error if that is a terminal; else nil.
	terminal *os.File
}

// plainly returns an Env whose output is free of control characters, whatever its source.
func (e Env) plainly() Env {
	if f, ok := e.Stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		e.terminal = f
	}
	e.Stdout, e.Stderr = plain.Writer(e.Stdout), plain.Writer(e.Stderr)
	return e
}

// command is one sub-command.
type command struct {
	name, args, summary string
	// more is shown by `help NAME`.
	more string
	// prepare declares the flags, and returns the function that runs the command.
	prepare func(*flag.FlagSet) func(ctx context.Context, env Env, args []string) int
	// takes returns an error if the command does not take n arguments.
	takes func(n int) error
}

func none(n int) error {
	if n > 0 {
		return errors.New("it takes no arguments")
	}
	return nil
}

func anything(int) error { return nil }

func one(n int) error {
	if n != 1 {
		return errors.New("name one code or one task")
	}
	return nil
}

// commands returns all commands in the order of the help.
func commands() []command {
	return []command{checkCommand, retryCommand, redriveCommand, sweepCommand, explainCommand, receiveCommand}
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

// Names returns the commands' names.
func Names() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// Run executes the command of that name and returns its exit code. known is false if there
// is none.
func Run(ctx context.Context, env Env, name string, args []string) (code int, known bool) {
	c, known := find(name)
	if !known {
		return 0, false
	}
	env = env.plainly()
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors and usage are printed below
	run := c.prepare(flags)
	rest, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.explain(env.Stdout)
		return exitDone, true
	case err == nil:
		err = c.takes(len(rest))
	}
	if err != nil {
		fmt.Fprintf(env.Stderr, "remux-retrier %s: %.300s\n", name, asTyped(err))
		c.usage(env.Stderr)
		return exitUsage, true
	}
	return run(ctx, env, rest), true
}

// parse accepts flags before, between and after the arguments. After "--" there are only
// arguments.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		left := flags.Args()
		if parsed := len(args) - len(left); len(left) == 0 || parsed > 0 && args[parsed-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// asTyped returns a parse error's text with two dashes before an option: package flag
// writes one.
func asTyped(err error) string {
	return oneDash.ReplaceAllString(err.Error(), "$1--$2")
}

var oneDash = regexp.MustCompile(`(" for |" for flag |not defined: |needs an argument: )-([a-zA-Z])`)

// Help prints how to use a command. It returns false if there is none of that name.
func Help(w io.Writer, name string) bool {
	c, known := find(name)
	if known {
		c.explain(w)
	}
	return known
}

// Summary prints two lines for each command.
func Summary(w io.Writer) {
	for _, c := range commands() {
		fmt.Fprintf(w, "  %s\n      %s\n", c.line(), c.summary)
	}
}

func (c command) line() string {
	return strings.TrimSpace("remux-retrier " + c.name + " " + c.args)
}

// explain prints the complete help of a command.
func (c command) explain(w io.Writer) {
	fmt.Fprintf(w, "remux-retrier %s: %s.\n%s\n", c.name, c.summary, c.more)
	c.usage(w)
}

// usage prints the command line and the options.
func (c command) usage(w io.Writer) {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	c.prepare(flags)
	usage(w, c.line(), flags)
}

func usage(w io.Writer, line string, flags *flag.FlagSet) {
	fmt.Fprintf(w, "Usage: %s\n", line)
	flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if !slices.Contains([]string{"", "0", "0s", "false"}, f.DefValue) {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  %s\n%s\n", strings.TrimSpace("--"+f.Name+" "+value), plain.Wrap(text, "      ", plain.HelpWidth))
	})
}

// load reads the configuration. If it is wrong, it prints the errors and returns false.
func load(env Env) (config.Config, bool) {
	cfg, err := config.Load()
	for _, warning := range cfg.Warnings {
		fmt.Fprintln(env.Stderr, "warning: "+warning)
	}
	if err != nil {
		fmt.Fprintln(env.Stderr, err)
		return cfg, false
	}
	return cfg, true
}

// fail prints why a command ends, and returns the exit code.
func fail(env Env, err error) int {
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(env.Stderr, "interrupted")
	} else {
		fmt.Fprintln(env.Stderr, "remux-retrier: "+err.Error())
	}
	return exitFailed
}
