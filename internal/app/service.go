package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/admin"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/page"
	"remux-retrier/internal/story"
)

// drainSlack is what a drain may take beyond the longest call, to publish and
// commit.
const drainSlack = 5 * time.Second

// closing is the part of SHUTDOWN_TIMEOUT that is left for closing connections.
const closing = time.Second

// quotaWindow is the window of MPC's quota.
const quotaWindow = time.Minute

func drain(cfg config.Config) time.Duration { return cfg.MPC.Timeout + drainSlack }

// serve runs the service until the context ends, and then stops it: first no
// new calls, then those under way end, are published and committed, then the
// group is left, HTTP closes last. It returns nil after a clean stop. At each
// signal of reread it reads its files again.
func serve(ctx context.Context, cfg config.Config, version string, log *logrus.Logger, reread <-chan os.Signal) error {
	loops, meters := admin.NewLoops(clock.System), metrics.New()
	files := newFiles(cfg, log)
	following, unfollow := context.WithCancel(context.WithoutCancel(ctx)) // a drain calls, too
	var background sync.WaitGroup
	background.Go(func() { files.run(following, reread) })
	background.Go(func() { limitGarbage(following, cfg.MPC.MaxInFlight) })
	defer background.Wait()
	defer unfollow()
	if !cfg.Kafka.TLS.CertificateEnds().IsZero() {
		meters.CertificateEnds(cfg.Kafka.TLS.CertificateEnds)
	}
	kafka, err := connectKafka(cfg, log)
	if err != nil {
		return err
	}
	start := &startUp{log: kafka, cfg: cfg.Kafka, retry: cfg.Retry, clock: clock.System, rand: rand.Float64, out: log, waiting: notice.New(log)}
	twins := &twins{log: kafka, instance: cfg.Kafka.InstanceID, out: notice.New(log), say: log}
	ready := &readiness{startUp: start, twins: twins, files: files}
	for _, check := range ready.checks() { // now: what keeps it from starting is told, too
		meters.Ready(check.Name, check.Func)
	}

	stories, err := story.New(story.Config{Clock: clock.System})
	if err != nil {
		return err
	}
	gate, err := NewGate(cfg, clock.System, log)
	if err != nil {
		return err
	}
	trouble := &trouble{}
	look, err := newPage(operated{
		Store: stories, cfg: cfg, version: version, started: clock.System.Now(),
		ready: ready, gate: gate, meters: meters, trouble: trouble, kafka: kafka,
	}, log)
	if err != nil {
		return err
	}
	pageAddress, stopHTTP, err := serveHTTP(cfg, loops, ready, meters, look, log)
	if err != nil {
		return err
	}
	defer stopHTTP()
	tracer, closeTracer, err := openTracer(ctx, cfg, version, log)
	if err != nil {
		return err
	}
	defer closeTracer()
	defer closeSoon(kafka.Close) // before HTTP, which tells of it to the last
	log.WithFields(introduction(cfg, version, pageAddress)).Info("starting")
	background.Go(func() { ready.announce(following, log) })
	mpc, err := connectMPC(cfg, version, gate.WaitExtra)
	if err != nil {
		return err
	}
	defer closeSoon(mpc.Close)
	gate.OnOpen(mpc.CloseIdle) // the next probe resolves MPC's name anew: its address may have changed
	if err := start.topics(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped while it waited
		}
		return err
	}
	i, err := NewInstance(cfg, Parts{
		Log: watchedLog{kafka, loops}, Gate: gate,
		API:   measuredAPI{heardAPI{mpc, trouble}, meters, clock.System},
		Clock: clock.System, Rand: rand.Float64, Logger: log, Metrics: meters, Assigned: twins.look,
		Stories: stories, Tracer: tracer,
	})
	if err != nil {
		return err
	}
	ready.instance.Store(i)
	meters.Watch(metrics.Sources{
		Consumer: i.consumer.Status, Gate: gate.State, Retrier: i.retrier.Waiting, Ledger: i.ledger.Status,
		Operator: func() bool { return i.retrier.Advice() != "" }, Now: clock.System.Now,
	})
	twins.evict(ctx)

	ended := make(chan struct{})
	go func() {
		i.Run(ctx)
		close(ended)
	}()
	if err := within(ctx, cfg.ShutdownTimeout-closing/2, ended); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// within waits for the end of the work, and not longer than the grace once the
// context is done.
func within(ctx context.Context, grace time.Duration, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	patience, cancel := clock.WithTimeout(context.WithoutCancel(ctx), clock.System, grace)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-patience.Done():
		return errors.New("work under way has not ended within SHUTDOWN_TIMEOUT: stopping without it; nothing is lost, the next owner checks with MPC what was called")
	}
}

// closeSoon closes what a hanging connection may keep open for longer than
// SHUTDOWN_TIMEOUT allows; the process's end closes it then.
func closeSoon(stop func()) {
	done := make(chan struct{})
	go func() {
		stop()
		close(done)
	}()
	patience, cancel := clock.WithTimeout(context.Background(), clock.System, closing/5)
	defer cancel()
	select {
	case <-done:
	case <-patience.Done():
	}
}

// introduction says who starts, and with what it works. An empty pageAddress: there is no page.
func introduction(cfg config.Config, version, pageAddress string) logrus.Fields {
	k := cfg.Kafka
	fields := logrus.Fields{
		"version": version, "group": k.GroupID, "mpc": cfg.MPC.Endpoint,
		"topics": []string{k.TopicFailed, k.TopicRetried, k.TopicRetryFailed, k.TopicDeadLetter},
	}
	if pageAddress != "" {
		fields["page"] = pageAddress
	}
	return fields
}

// serveHTTP serves, and keeps the page up to date, until the returned function is
// called. The address is the page's, empty where HTTP is off.
func serveHTTP(cfg config.Config, loops *admin.Loops, ready *readiness, meters *metrics.Metrics, look *page.Page, log *logrus.Logger) (address string, stop func(), err error) {
	if cfg.HTTPAddr == "" {
		return "", func() {}, nil
	}
	server, err := admin.New(admin.Config{
		Addr: cfg.HTTPAddr, AllowedHosts: cfg.HTTPAllowedHosts, Instance: cfg.Kafka.ClientID, Loops: loops, Checks: ready.checks(), Notes: ready.notes, Metrics: meters.Handler(), Page: look, Log: log,
	})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { look.Run(ctx) })
	running.Go(func() {
		if err := server.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.WithError(err).Error("HTTP has stopped")
		}
	})
	return "http://" + server.Addr() + "/", func() { cancel(); running.Wait() }, nil
}
