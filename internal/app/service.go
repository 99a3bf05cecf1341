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

// drainSlack is how long a drain may take beyond the longest call, to publish and commit.
const drainSlack = 5 * time.Second

// closing is the part of SHUTDOWN_TIMEOUT reserved for closing connections.
const closing = time.Second

// quotaWindow is the window of MPC's quota.
const quotaWindow = time.Minute

func drain(cfg config.Config) time.Duration { return cfg.MPC.Timeout + drainSlack }

// serve runs the service until the context ends, and then stops it: no new call starts,
// calls in flight end, their outcomes are published and committed, the instance leaves the group, and
// HTTP closes last. It returns nil after a clean stop. At each signal of reread it rereads
// its files.
func serve(ctx context.Context, cfg config.Config, version string, log *logrus.Logger, reread <-chan os.Signal) error {
	loops, meters := admin.NewLoops(clock.System), metrics.New()
	files := newFiles(cfg, log)
	drainCtx, endDrain := context.WithCancel(context.WithoutCancel(ctx)) // files are still read again during the drain: its calls need current credentials
	var background sync.WaitGroup
	background.Go(func() { files.run(drainCtx, reread) })
	background.Go(func() { tuneGC(drainCtx, cfg.MPC.MaxInFlight) })
	defer background.Wait()
	defer endDrain()
	if !cfg.Kafka.TLS.CertificateEnds().IsZero() {
		meters.CertificateEnds(cfg.Kafka.TLS.CertificateEnds)
	}
	kafka, err := connectKafka(cfg, log)
	if err != nil {
		return err
	}
	start := &startUp{kafka: kafka, cfg: cfg.Kafka, retry: cfg.Retry, clock: clock.System, rand: rand.Float64, log: log, waiting: notice.New(log)}
	sameName := &sameNameMembers{kafka: kafka, instance: cfg.Kafka.InstanceID, notice: notice.New(log), log: log}
	ready := &readiness{startUp: start, sameName: sameName, files: files}
	for _, check := range ready.checks() { // now, so that the reasons for a delayed start are visible
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
	lastErr := &lastError{}
	operatorPage, err := newPage(pageSource{
		Store: stories, cfg: cfg, version: version, started: clock.System.Now(),
		ready: ready, gate: gate, meters: meters, lastErr: lastErr, kafka: kafka,
	}, log)
	if err != nil {
		return err
	}
	pageAddress, stopHTTP, err := serveHTTP(cfg, loops, ready, meters, operatorPage, log)
	if err != nil {
		return err
	}
	defer stopHTTP()
	tracer, closeTracer, err := openTracer(ctx, cfg, version, log)
	if err != nil {
		return err
	}
	defer closeTracer()
	defer closeSoon(kafka.Close) // before HTTP, which reports until the end
	log.WithFields(introduction(cfg, version, pageAddress)).Info("starting")
	background.Go(func() { ready.announce(drainCtx, log) })
	mpc, err := connectMPC(cfg, version, gate.WaitExtra)
	if err != nil {
		return err
	}
	defer closeSoon(mpc.Close)
	gate.OnFailing(mpc.CloseIdle) // each probe resolves MPC's name again: its address may have changed
	if err := start.topics(ctx); err != nil {
		if ctx.Err() != nil {
			log.Info("stopped") // while it waited
			return nil
		}
		return err
	}
	i, err := NewInstance(cfg, Parts{
		Client: watchedClient{kafka, loops}, Gate: gate,
		API:   measuredAPI{errorTrackingAPI{mpc, lastErr}, meters, clock.System},
		Clock: clock.System, Rand: rand.Float64, Logger: log, Metrics: meters, Assigned: sameName.look,
		Stories: stories, Tracer: tracer,
	})
	if err != nil {
		return err
	}
	ready.instance.Store(i)
	sources := metrics.Sources{
		Consumer: i.consumer.Status, Gate: gate.State, Retrier: i.retrier.Waiting, Ledger: i.ledger.Status,
		Operator: func() bool { return i.retrier.Advice() != "" }, Now: clock.System.Now,
	}
	if cfg.Kafka.TopicRecovered != "" {
		sources.Retries = i.ledger.Hours
	}
	meters.Watch(sources)
	sameName.evict(ctx)

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

// within waits for the end of the work, at most for the grace period once the context is
// done.
func within(ctx context.Context, grace time.Duration, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	timeout, cancel := clock.WithTimeout(context.WithoutCancel(ctx), clock.System, grace)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-timeout.Done():
		return errors.New("work in flight did not end within SHUTDOWN_TIMEOUT: stopping anyway; nothing is lost, the next owner checks with MPC which calls were accepted")
	}
}

// closeSoon calls stop and waits for it at most closing/5, so that a hanging connection does
// not exceed SHUTDOWN_TIMEOUT. Otherwise the end of the process closes the connection.
func closeSoon(stop func()) {
	done := make(chan struct{})
	go func() {
		stop()
		close(done)
	}()
	timeout, cancel := clock.WithTimeout(context.Background(), clock.System, closing/5)
	defer cancel()
	select {
	case <-done:
	case <-timeout.Done():
	}
}

// introduction returns the fields of the first log line. pageAddress is empty if there is
// none.
func introduction(cfg config.Config, version, pageAddress string) logrus.Fields {
	k := cfg.Kafka
	topics := []string{k.TopicFailed, k.TopicRetried, k.TopicRetryFailed, k.TopicDeadLetter}
	if k.TopicRecovered != "" {
		topics = append(topics, k.TopicRecovered)
	}
	fields := logrus.Fields{"version": version, "group": k.GroupID, "mpc": cfg.MPC.Endpoint, "topics": topics}
	if pageAddress != "" {
		fields["page"] = pageAddress
	}
	return fields
}

// serveHTTP runs the HTTP server and the page until the returned function is called. The
// address is the page's, empty if HTTP is off.
func serveHTTP(cfg config.Config, loops *admin.Loops, ready *readiness, meters *metrics.Metrics, operatorPage *page.Page, log *logrus.Logger) (address string, stop func(), err error) {
	if cfg.HTTPAddr == "" {
		return "", func() {}, nil
	}
	server, err := admin.New(admin.Config{
		Addr: cfg.HTTPAddr, AllowedHosts: cfg.HTTPAllowedHosts, PathPrefix: cfg.HTTPPathPrefix, Instance: cfg.Kafka.ClientID, Loops: loops, Checks: ready.checks(), Notes: ready.notes, Metrics: meters.Handler(), Page: operatorPage, Log: log,
	})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { operatorPage.Run(ctx) })
	running.Go(func() {
		if err := server.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			log.WithError(err).Error("HTTP has stopped")
		}
	})
	return "http://" + server.Addr() + "/", func() { cancel(); running.Wait() }, nil
}
