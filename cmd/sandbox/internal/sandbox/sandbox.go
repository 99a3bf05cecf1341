package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"remux-retrier/cmd/sandbox/broker"
	"remux-retrier/internal/mpcsim"
)

var errInterrupted = errors.New("interrupted before everything was answered")

// sandbox is one run of the demonstration.
type sandbox struct {
	opts     options
	examples []example
	tty      *terminal // nil: no keys
	cancel   func()    // stops the sandbox cleanly
	printer  *printer
	topics   topics

	client  *client
	mpc     *mpcsim.Server
	checker *checker
	active  *activeFault
	metrics *metricsReader // nil with --once
	service *service
	smn     *notifier // nil without --smn

	serviceLog io.Writer
}

// runSandbox sends the examples, once or endlessly, and returns the exit code.
func runSandbox(ctx context.Context, opts options, examples []example, tty *terminal, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := time.Now()
	suffix := ""
	if len(opts.brokers) > 0 {
		suffix = fmt.Sprintf("-sandbox-%06x", rand.Uint32()>>8)
	}
	s := &sandbox{opts: opts, examples: examples, tty: tty, cancel: cancel, printer: newPrinter(stdout), topics: newTopics(suffix)}
	if tty != nil {
		s.printer.columns = tty.width
	}
	log := io.Discard
	if opts.log {
		log = s.printer.sideWriter(stderr)
	}
	err := s.runParts(ctx, log)
	if s.checker != nil {
		s.printSummary(time.Since(started))
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
	}
	if err != nil || s.checker.totals.problems > 0 {
		return exitUnexpected
	}
	return exitExpected
}

// runParts starts the parts, runs the demonstration, and stops the parts in reverse
// order.
func (s *sandbox) runParts(ctx context.Context, log io.Writer) error {
	s.serviceLog = log
	brokers := s.opts.brokers
	if len(brokers) == 0 {
		embedded, err := broker.Start(broker.Config{})
		if err != nil {
			return err
		}
		defer embedded.Close()
		brokers = embedded.Addrs()
	}
	kafka, err := connect(ctx, brokers, s.topics)
	if err != nil {
		return err
	}
	defer kafka.Close()
	s.client = kafka

	exact := s.opts.fault == "" && s.opts.faults.ErrorRate == 0 && s.opts.faults.LossRate == 0
	s.checker = newChecker(s.printer, newTopics("").answers, exact)
	if s.mpc, err = mpcsim.Start(mpcsim.Config{
		ProjectID: projectID, AccessKey: accessKey, SecretKey: secretKey,
		ProcessingFor: 10 * time.Minute, Faults: s.opts.faults, OnRequest: s.checker.addRequest,
	}); err != nil {
		return err
	}
	defer s.mpc.Close()
	s.checker.mpc = s.mpc.Simulator
	s.active = &activeFault{mpc: s.mpc.Simulator, always: s.opts.faults, printer: s.printer, checker: s.checker}

	if err := s.chooseAddress(); err != nil {
		return err
	}
	restore := s.startKeys()
	defer restore()
	s.printIntroduction(brokers)
	relay := s.relayLog
	if s.opts.log {
		relay = func([]byte) {} // the whole log is printed
	}
	if s.service, err = startService(nil, environment(s.opts, s.topics, brokers, s.mpc.URL()), log, relay); err != nil {
		return err
	}
	return errors.Join(s.demonstrate(ctx, brokers), s.cleanUp())
}

// chooseAddress chooses the service's HTTP address. With --once it stays empty if the
// user gives none.
func (s *sandbox) chooseAddress() error {
	if s.opts.http == "" && !s.opts.once {
		s.opts.http = "127.0.0.1:0"
	}
	if host, port, _ := net.SplitHostPort(s.opts.http); port == "0" {
		address, err := freeAddress(host)
		if err != nil {
			return err
		}
		s.opts.http = address
	}
	if !s.opts.once {
		s.metrics = newMetricsReader(s.opts.http)
	}
	return nil
}

// startKeys reads keys, if there is a suitable terminal, until restore is called.
func (s *sandbox) startKeys() (restore func()) {
	if s.tty == nil {
		return func() {}
	}
	restoreMode, err := s.tty.raw()
	if err != nil {
		s.printer.print(yellow, "keys are off: %v", err)
		s.tty = nil
		return func() {}
	}
	s.printer.setRaw(true)
	go readKeys(s.tty.in, s.pressed)
	return func() {
		s.printer.setRaw(false)
		restoreMode()
	}
}

// printIntroduction prints the parts and their addresses.
func (s *sandbox) printIntroduction(brokers []string) {
	where := "embedded"
	if len(s.opts.brokers) > 0 {
		where = "yours; the sandbox's topics and group end in " + s.topics.suffix
	}
	s.printer.wrapped(bold, "", "remux-retrier: failure events → Kafka → the service → MPC, and the answers back to Kafka")
	s.printer.wrapped(dim, "Kafka  ", fmt.Sprintf("%s (%s)", strings.Join(brokers, ","), where))
	s.printer.wrapped(dim, "MPC    ", s.mpc.URL()+" (simulated; checks every request's signature)")
	if s.opts.http != "" {
		s.printer.wrapped(dim, "Page   ", fmt.Sprintf("http://%s/ (for operators; also /metrics, /readyz and /healthz)", s.opts.http))
	}
	if s.tty != nil {
		s.printer.print(dim, "Keys   %s", strings.Join(wrap(keyWords(), s.printer.width()-len("Keys   ")), "\n       "))
	}
	if !s.opts.once {
		s.printer.print(dim, `You    echo '4711:{"task_id":"4711"}' | kcat -P -b %s \
         -t %s -K: -X partitioner=murmur2_random
       publishes your own event; Ctrl-C ends`, brokers[0], s.topics.failed)
	}
	s.printer.print(noColour, "")
}

// demonstrate runs until all examples are answered, the context ends or the service
// ends. Then it stops the service.
func (s *sandbox) demonstrate(ctx context.Context, brokers []string) (err error) {
	if err := s.awaitReady(ctx, brokers); err != nil {
		return errors.Join(err, s.smn.close())
	}
	defer func() { err = errors.Join(err, s.smn.close()) }()
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	var watchers sync.WaitGroup
	watchers.Go(func() { s.client.readTopics(watching, s.checker) })
	watchers.Go(func() { s.followCommits(watching) })

	err = s.sendAndAwait(ctx)
	if s.opts.once && err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	err = errors.Join(err, s.stopService())
	if err == nil {
		s.check(watching)
	}
	stopWatching()
	watchers.Wait()
	return err
}

// awaitReady waits until the service, and with --smn receive, is ready for events.
func (s *sandbox) awaitReady(ctx context.Context, brokers []string) error {
	waiting, stopWaiting := context.WithCancel(ctx)
	ready := make(chan error, 1)
	var polling sync.WaitGroup
	polling.Go(func() { ready <- s.client.ready(waiting) })
	defer polling.Wait()
	defer stopWaiting()
	var err error
	select {
	case err = <-ready:
	case <-s.service.ended:
		return s.serviceEnded()
	}
	switch {
	case ctx.Err() != nil:
		return errors.Join(errInterrupted, s.stopService())
	case err != nil:
		return errors.Join(fmt.Errorf("%w; the service logged last:\n%s", err, s.service.log), s.stopService())
	}
	if s.opts.smn {
		if err := s.startSMN(ctx, brokers); err != nil {
			return errors.Join(err, s.stopService())
		}
		s.printer.wrapped(dim, "SMN    ", fmt.Sprintf("%s (simulated), posts to", s.smn.smn.Host()))
		s.printer.wrapped(dim, "       ", s.smn.url+" (remux-retrier receive; subscription confirmed)")
		s.printer.print(noColour, "")
	}
	s.printer.printHeader(time.Now())
	return nil
}

// stopService stops the service and waits for its end.
func (s *sandbox) stopService() error {
	s.service.stop()
	<-s.service.ended
	if s.service.code != 0 {
		return s.serviceEnded()
	}
	return nil
}

// serviceEnded returns an error with the service's exit code and last log lines.
func (s *sandbox) serviceEnded() error {
	return fmt.Errorf("the service has ended with exit code %d; it logged last:\n%s", s.service.code, s.service.log)
}

// cleanUp removes the sandbox's topics and group from the user's broker.
func (s *sandbox) cleanUp() error {
	if len(s.opts.brokers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reachable)
	defer cancel()
	return s.client.remove(ctx)
}
