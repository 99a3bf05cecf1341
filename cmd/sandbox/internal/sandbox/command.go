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
	exitUnexpected = 1 // something was not, or the sandbox could not run
	exitUsage      = 2
)

var help = `sandbox shows the service at work: it publishes failure events to Kafka, the
real service reads them, calls a simulated MPC and publishes an outcome for
each. It needs no other program: broker and MPC run inside. Each line is one
answered event; ✓ means that the answer is as expected.

Usage: go run ./cmd/sandbox [options]

  --once               publish one round of events and end; exit code 0 only if
                       every event was answered as expected
  --brokers HOST:PORT,…
                       use these Kafka brokers (plaintext) instead of the
                       embedded one; topics and group get a suffix and are
                       deleted at the end
  --fault NAME         a fault of MPC: for 3s with --once, else for 15s again
                       and again until a key is pressed. NAME is one of
                       broken, credentials, denied, down, firewall, hanging,
                       losing, permission, resetting, slow, throttle
  --latency DURATION   how long MPC takes to answer: 0s (the default) to 1m
  --error-rate P       MPC answers 500 with this probability: 0 to 0.9
  --loss-rate P        MPC carries out the request, but its answer is lost, with
                       this probability: 0 to 0.9
  --quota N            the tenant may send N requests a minute; the service is
                       configured so, the simulator enforces it (default: no
                       limit)
  --smn                send MPC's notifications the whole way: a simulated SMN
                       signs and posts them, and remux-retrier receive publishes
  --http HOST:PORT     serve the operator's page, /metrics and the probes there
                       (default: a free port of this machine; none with --once)
  --log                print the service's whole log to standard error
  -h, --help           print this

Keys, on a terminal and without --once. Each switches its fault on, and off
again. The line at the bottom shows what the service does:
` + keyHelp() + `
Examples:
  go run ./cmd/sandbox                     an endless stream, until q or Ctrl-C
  go run ./cmd/sandbox --once              all kinds of events, in seconds
  go run ./cmd/sandbox --fault down        events wait, and none fails
  go run ./cmd/sandbox --fault throttle    the service slows down
  go run ./cmd/sandbox --quota 30          calls are spaced to keep the quota
  go run ./cmd/sandbox --smn               MPC → SMN → receive → Kafka → service
  go run ./cmd/sandbox --brokers 127.0.0.1:9092
                                           the same on your own Kafka

While it runs, you can publish events to its topic, keyed by task id. The
simulator takes any task id for a failed task:
  echo '4711:{"task_id":"4711"}' |
    kcat -P -b BROKER -t remux.failed -K: -X partitioner=murmur2_random

Colours are used on a terminal only, and not if NO_COLOR is set.
Exit codes: 0 all as expected; 1 not as expected, or it could not run; 2 wrong
options.
`

type options struct {
	once    bool
	brokers []string // none: embedded
	fault   string
	faults  mpcsim.Faults // always active
	smn     bool
	http    string
	log     bool
}

// Run runs the sandbox with these arguments and returns the exit code. The end of the
// context stops it cleanly. If stdin and stdout are a terminal, it reads keys. The
// last read of stdin goes on until the process ends.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if out, ok := stdout.(*os.File); ok && len(args) == 1 && args[0] == guardArgument {
		return runGuard(stdin, out, stderr)
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
	return runSandbox(ctx, opts, examples(), tty, stdout, stderr)
}

func parse(args []string) (options, error) {
	var o options
	flags := o.flags()
	if len(args) > 0 && args[0] == "--" { // some program runners pass it on
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
	flags.Usage = func() {} // the text is in help
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
		if faultNamed(name) == nil {
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
	flags.BoolVar(&o.smn, "smn", false, "")
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
		return fmt.Errorf("%q is not host:port", address)
	}
	return nil
}
