package sandbox

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"remux-retrier/internal/mpcsim"
)

// Exit codes of Run.
const (
	exitExpected   = 0 // everything was answered as expected
	exitUnexpected = 1 // it was not, or the sandbox could not run
	exitUsage      = 2
)

var help = `sandbox shows the service at work: failure events go to Kafka, the real service
reads them, calls a simulated MPC and publishes what became of each. It needs
nothing but itself: broker and MPC run inside. Each line is one event that has
been answered; ✓ says that the answer is the one it must have.

Usage: go run ./cmd/sandbox [options]

  --once               play one round of events and end; exit code 0 only if
                       every event was answered as expected
  --brokers HOST:PORT,…
                       use these Kafka brokers (plaintext) and not the embedded
                       one; topics and group get a suffix of their own and are
                       deleted in the end
  --fault NAME         MPC misbehaves: for 3s with --once, else for 15s time
                       and again until a key is pressed. NAME is one of
                       broken, credentials, denied, down, firewall, hanging,
                       losing, permission, resetting, slow, throttle
  --latency DURATION   MPC takes so long to answer: 0s (the default) to 1m
  --error-rate P       MPC answers 500 with this probability: 0 to 0.9
  --loss-rate P        MPC does as it is told and its answer is lost, with this
                       probability: 0 to 0.9
  --quota N            the tenant may send N requests a minute; the service is
                       told, and the simulator enforces it (default: no limit)
  --http HOST:PORT     serve the operator's page, /metrics and the probes there
                       (default: a free port of this machine; none with --once)
  --log                show the service's whole log, on standard error
  -h, --help           print this

Keys, on a terminal and without --once; each switches its fault on, and off
again; the line at the bottom says what the service makes of it:
` + keyHelp() + `
Examples:
  go run ./cmd/sandbox                     an endless stream, until q or Ctrl-C
  go run ./cmd/sandbox --once              all kinds of events, in seconds
  go run ./cmd/sandbox --fault down        events wait, and none fails for it
  go run ./cmd/sandbox --fault throttle    the service slows down by itself
  go run ./cmd/sandbox --quota 30          calls are spaced to keep the quota
  go run ./cmd/sandbox --brokers 127.0.0.1:9092
                                           the same on a Kafka of your own

While it runs, publish events of your own to its topic; any task id is a failed
task to the simulator:
  echo '{"task_id":"4711"}' | kcat -P -b BROKER -t remux.failed

Colours are used on a terminal only, and never with NO_COLOR set.
Exit codes: 0 all as expected, 1 not, or it could not run, 2 wrong options.
`

type options struct {
	once    bool
	brokers []string // none: embedded
	fault   string
	faults  mpcsim.Faults // in force all the time
	http    string
	log     bool
}

// Run plays the sandbox as the arguments say and returns the exit code. The end
// of the context ends it in good order. Where stdin and stdout are a terminal,
// keys are read; a read that is under way at the end ends with the process.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if out, ok := stdout.(*os.File); ok && len(args) == 1 && args[0] == guardArgument {
		return standGuard(stdin, out, stderr)
	}
	opts, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, help)
		return exitExpected
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\nRun sandbox -h for the options.\n", err)
		return exitUsage
	}
	tty := terminalOf(stdin, stdout)
	if opts.once {
		tty = nil
	}
	return play(ctx, opts, scenes(), tty, stdout, stderr)
}

func parse(args []string) (options, error) {
	var o options
	flags := o.flags()
	if len(args) > 0 && args[0] == "--" { // some runners of programs pass it on
		args = args[1:]
	}
	if err := flags.Parse(args); err != nil {
		return options{}, asTyped{err}
	}
	return o, o.check(flags)
}

// asTyped is an error of parsing with the options as they are typed: package flag
// writes them with one dash.
type asTyped struct{ error }

func (e asTyped) Unwrap() error { return e.error }

func (e asTyped) Error() string { return oneDash.ReplaceAllString(e.error.Error(), "$1--$2") }

var oneDash = regexp.MustCompile(`(" for |" for flag |not defined: |needs an argument: )-([a-zA-Z])`)

func (o *options) flags() *flag.FlagSet {
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {} // help says what they are for
	flags.BoolVar(&o.once, "once", false, "")
	flags.Func("brokers", "", func(list string) error {
		o.brokers = strings.Split(list, ",")
		for _, address := range o.brokers {
			if err := checkAddress(address); err != nil {
				return err
			}
		}
		return nil
	})
	flags.Func("fault", "", func(name string) error {
		if named(name) == nil {
			return fmt.Errorf("expected one of %s", faultNames())
		}
		o.fault = name
		return nil
	})
	flags.DurationVar(&o.faults.Latency, "latency", 0, "")
	flags.Float64Var(&o.faults.ErrorRate, "error-rate", 0, "")
	flags.Float64Var(&o.faults.LossRate, "loss-rate", 0, "")
	flags.Func("quota", "", func(text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1_000_000 {
			return errors.New("expected requests a minute, 1 to 1000000")
		}
		o.faults.PerMinute = n
		return nil
	})
	flags.Func("http", "", func(address string) error {
		o.http = address
		return checkAddress(address)
	})
	flags.BoolVar(&o.log, "log", false, "")
	return flags
}

func (o *options) check(flags *flag.FlagSet) error {
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.faults.Latency < 0 || o.faults.Latency > time.Minute:
		return fmt.Errorf("--latency is %v: expected 0s to 1m", o.faults.Latency)
	case !(o.faults.ErrorRate >= 0 && o.faults.ErrorRate <= 0.9): // refuses NaN too
		return fmt.Errorf("--error-rate is %v: expected a probability from 0 to 0.9", o.faults.ErrorRate)
	case !(o.faults.LossRate >= 0 && o.faults.LossRate <= 0.9):
		return fmt.Errorf("--loss-rate is %v: expected a probability from 0 to 0.9", o.faults.LossRate)
	}
	return nil
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil {
		return fmt.Errorf("%q is no host:port", address)
	}
	return nil
}
