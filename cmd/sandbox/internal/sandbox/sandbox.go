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

// sandbox is one performance.
type sandbox struct {
	opts   options
	scenes []scene
	tty    *terminal // nil: no keys
	leave  func()    // ends it in good order
	paper  *paper
	topics topics

	client  *client
	mpc     *mpcsim.Server
	board   *board
	weather *weather
	meter   *meter // nil: the service serves no metrics
	service *service
}

// play performs the scenes, once or over and over, and returns the exit code.
func play(ctx context.Context, opts options, scenes []scene, tty *terminal, stdout, stderr io.Writer) int {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	started := time.Now()
	suffix := ""
	if len(opts.brokers) > 0 {
		suffix = fmt.Sprintf("-sandbox-%06x", rand.Uint32()>>8)
	}
	s := &sandbox{opts: opts, scenes: scenes, tty: tty, leave: leave, paper: newPaper(stdout), topics: newTopics(suffix)}
	if tty != nil {
		s.paper.columns = tty.width
	}
	log := io.Discard
	if opts.log {
		log = s.paper.aside(stderr)
	}
	err := s.perform(ctx, log)
	if s.board != nil {
		s.sumUp(time.Since(started))
	}
	if err != nil {
		fmt.Fprintf(stderr, "sandbox: %v\n", err)
	}
	if err != nil || s.board.sum.broken > 0 {
		return exitUnexpected
	}
	return exitExpected
}

// perform starts the parts, plays, and ends the parts in the reverse order.
func (s *sandbox) perform(ctx context.Context, log io.Writer) error {
	brokers := s.opts.brokers
	if len(brokers) == 0 {
		embedded, err := broker.Start(broker.Config{})
		if err != nil {
			return err
		}
		defer embedded.Close()
		brokers = embedded.Addrs()
	}
	kafka, err := reach(ctx, brokers, s.topics)
	if err != nil {
		return err
	}
	defer kafka.Close()
	s.client = kafka

	exact := s.opts.fault == "" && s.opts.faults.ErrorRate == 0 && s.opts.faults.LossRate == 0
	s.board = newBoard(s.paper, newTopics("").answers, exact)
	if s.mpc, err = mpcsim.Start(mpcsim.Config{
		ProjectID: projectID, AccessKey: accessKey, SecretKey: secretKey,
		ProcessingFor: 10 * time.Minute, Faults: s.opts.faults, OnRequest: s.board.requested,
	}); err != nil {
		return err
	}
	defer s.mpc.Close()
	s.board.mpc = s.mpc.Simulator
	s.weather = &weather{mpc: s.mpc.Simulator, always: s.opts.faults, paper: s.paper, board: s.board}

	if err := s.observe(); err != nil {
		return err
	}
	restore := s.listen()
	defer restore()
	s.introduce(brokers)
	hear := s.voice
	if s.opts.log {
		hear = func([]byte) {} // what it says is in its log
	}
	if s.service, err = startService(environment(s.opts, s.topics, brokers, s.mpc.URL()), log, hear); err != nil {
		return err
	}
	return errors.Join(s.act(ctx), s.clear())
}

// observe has the service serve its metrics where they can be read: --once has
// nobody who would.
func (s *sandbox) observe() error {
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
		s.meter = newMeter(s.opts.http)
	}
	return nil
}

// listen has keys read, if there is a terminal that can, until restore.
func (s *sandbox) listen() (restore func()) {
	if s.tty == nil {
		return func() {}
	}
	cook, err := s.tty.raw()
	if err != nil {
		s.paper.say(yellow, "keys are off: %v", err)
		s.tty = nil
		return func() {}
	}
	s.paper.setRaw(true)
	go readKeys(s.tty.in, s.pressed)
	return func() {
		s.paper.setRaw(false)
		cook()
	}
}

// introduce says who plays.
func (s *sandbox) introduce(brokers []string) {
	where := "embedded"
	if len(s.opts.brokers) > 0 {
		where = "yours; the sandbox's own topics and group end in " + s.topics.suffix
	}
	s.paper.wrapped(bold, "", "remux-retrier: failure events → Kafka → the service → MPC, and the answers back to Kafka")
	s.paper.wrapped(dim, "Kafka  ", fmt.Sprintf("%s (%s)", strings.Join(brokers, ","), where))
	s.paper.wrapped(dim, "MPC    ", s.mpc.URL()+" (simulated; checks every request's signature)")
	if s.opts.http != "" {
		s.paper.wrapped(dim, "Page   ", fmt.Sprintf("http://%s/ (the operator's; beside it /metrics, /readyz and /healthz)", s.opts.http))
	}
	if s.tty != nil {
		s.paper.say(dim, "Keys   %s", strings.Join(wrap(keyWords(), s.paper.width()-len("Keys   ")), "\n       "))
	}
	if !s.opts.once {
		s.paper.say(dim, `You    echo '{"task_id":"4711"}' | kcat -P -b %s -t %s
       publishes an event of your own; Ctrl-C ends all`, brokers[0], s.topics.failed)
	}
	s.paper.say(noColour, "")
}

// act plays until the scenes are over, the context ends or the service does,
// and then stops the service.
func (s *sandbox) act(ctx context.Context) error {
	if err := s.curtain(ctx); err != nil {
		return err
	}
	watching, seen := context.WithCancel(context.WithoutCancel(ctx))
	var watchers sync.WaitGroup
	watchers.Go(func() { s.client.watch(watching, s.board) })
	watchers.Go(func() { s.follow(watching) })

	err := s.run(ctx)
	if s.opts.once && err == nil && ctx.Err() != nil {
		err = errInterrupted
	}
	err = errors.Join(err, s.halt())
	if err == nil {
		s.check(watching)
	}
	seen()
	watchers.Wait()
	return err
}

// curtain waits until the service is ready for events.
func (s *sandbox) curtain(ctx context.Context) error {
	waiting, enough := context.WithCancel(ctx)
	ready := make(chan error, 1)
	var asking sync.WaitGroup
	asking.Go(func() { ready <- s.client.ready(waiting) })
	defer asking.Wait()
	defer enough()
	var err error
	select {
	case err = <-ready:
	case <-s.service.ended:
		return s.deserted()
	}
	switch {
	case ctx.Err() != nil:
		return errors.Join(errInterrupted, s.halt())
	case err != nil:
		return errors.Join(fmt.Errorf("%w; the service logged last:\n%s", err, s.service.log), s.halt())
	}
	s.paper.head(time.Now())
	return nil
}

// halt stops the service and waits for it.
func (s *sandbox) halt() error {
	s.service.stop()
	<-s.service.ended
	if s.service.code != 0 {
		return s.deserted()
	}
	return nil
}

func (s *sandbox) deserted() error {
	return fmt.Errorf("the service has ended with exit code %d; it logged last:\n%s", s.service.code, s.service.log)
}

// clear leaves a broker of the user's as it was.
func (s *sandbox) clear() error {
	if len(s.opts.brokers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reachable)
	defer cancel()
	return s.client.remove(ctx)
}
