package app

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/admin"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/receive"
)

// watchDeadline is how long receive's check of Kafka may take, however Kafka answers.
const watchDeadline = time.Minute

// receiving runs the command receive and returns its exit code.
func receiving(ctx context.Context, cfg config.Receive, version string, stderr io.Writer, process *Process) int {
	reread := process.hangups()
	log := newLogger(config.Config{LogLevel: cfg.LogLevel, LogFormat: cfg.LogFormat}, stderr)
	captureLibraryLog(log)
	process.logsTo(log)
	for _, warning := range cfg.Warnings {
		log.Warn(warning)
	}
	if err := receiveUntil(ctx, cfg, version, log, reread); err != nil {
		log.Error(err)
		return exitFailed
	}
	return exitStopped
}

func receiveUntil(ctx context.Context, cfg config.Receive, version string, log *logrus.Logger, reread <-chan os.Signal) error {
	cfg.Kafka.ClientID += "-receive"
	files := newFiles(config.Config{Kafka: cfg.Kafka, Files: cfg.Files}, log)
	kafka, err := connectKafka(config.Config{Kafka: cfg.Kafka}, log)
	if err != nil {
		return err
	}
	defer closeSoon(kafka.Close)
	meters := receive.NewMeters()
	if certificate := cfg.Certificate(); certificate != nil {
		meters.CertificateEnds(func() time.Time { return certificate().Leaf.NotAfter })
	}
	server, err := receive.New(receive.Config{
		Addr: cfg.Addr, TLS: cfg.Certificate(), Topics: cfg.TopicURNs, Hosts: cfg.CertHosts, Roots: cfg.Roots(), MaxAge: cfg.MaxAge,
		Kafka: kafka, Topic: cfg.Kafka.TopicFailed, Stop: cfg.ShutdownTimeout - closing/2, Agent: "remux-retrier/" + version,
		Clock: clock.System, Meters: meters, Log: log,
	})
	if err != nil {
		return err
	}
	loops := admin.NewLoops(clock.System)
	var health *admin.Server
	if cfg.HTTPAddr != "" {
		health, err = admin.New(admin.Config{
			Addr: cfg.HTTPAddr, AllowedHosts: cfg.HTTPAllowedHosts, Instance: cfg.Kafka.ClientID, Loops: loops, Checks: server.Checks(),
			Notes:   func() []string { return slices.DeleteFunc(files.notes(), func(note string) bool { return note == "" }) },
			Metrics: meters.Handler(), Log: log,
		})
		if err != nil {
			_ = server.Close() // it has not served a request yet
			return err
		}
	}
	log.WithFields(logrus.Fields{"version": version, "addr": server.Addr(), "tls": cfg.Certificate() != nil, "topics": cfg.TopicURNs}).Info("receiving SMN's messages")

	lasting, end := context.WithCancel(context.WithoutCancel(ctx)) // health is reported until the end
	var background sync.WaitGroup
	background.Go(func() { files.run(lasting, reread) })
	if health != nil {
		background.Go(func() {
			if err := health.Run(lasting); err != nil && !errors.Is(err, context.Canceled) {
				log.WithError(err).Error("HTTP has stopped")
			}
		})
	}
	defer background.Wait()
	defer end()
	loop := loops.Loop("looking at Kafka", watchDeadline)
	defer loop.Stop()
	if err := server.Run(ctx, loop.Beat); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}
