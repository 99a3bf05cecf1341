package app

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/watchfile"
)

// certificateNotice is how long before a client certificate expires the log and /readyz ask
// for a new one.
const certificateNotice = 14 * 24 * time.Hour

// files reports changes of the files with secrets and certificates. The values are updated
// without it.
type files struct {
	set  *watchfile.Set
	tls  *config.TLS
	log  logrus.FieldLogger
	ends *notice.Notice
}

func newFiles(cfg config.Config, log logrus.FieldLogger) *files {
	f := &files{set: cfg.Files, tls: cfg.Kafka.TLS, log: log, ends: notice.New(log)}
	f.set.Listen(f.logEvent)
	return f
}

// run checks the files each second, and rereads all of them at each SIGHUP.
func (f *files) run(ctx context.Context, hangups <-chan os.Signal) {
	var rereading sync.WaitGroup
	rereading.Go(func() { f.reread(ctx, hangups) })
	defer rereading.Wait()
	for {
		f.set.Look()
		f.certificate(clock.System.Now())
		if clock.System.Sleep(ctx, time.Second) != nil {
			return
		}
	}
}

func (f *files) reread(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			f.set.Reread()
			f.log.WithField("unusable", len(f.set.Problems())).Info("SIGHUP: reread the files of secrets and certificates")
		}
	}
}

func (f *files) logEvent(e watchfile.Event) {
	switch {
	case e.Problem != nil:
		f.log.Warn(unusable(e))
	case e.Changed:
		f.log.Info(e.Name + " has changed: the new contents are used from the next request or connection on")
	default:
		f.log.Info(e.Name + " is readable again and unchanged")
	}
}

func unusable(e watchfile.Event) string {
	return fmt.Sprintf("%s cannot be used, the previous contents stay in use: %v", e.Name, e.Problem)
}

// certificate reports that the client certificate expires soon, once a day because the text
// counts the days, and once that it has expired.
func (f *files) certificate(now time.Time) {
	ends := f.tls.CertificateEnds()
	switch left := ends.Sub(now); {
	case ends.IsZero():
	case left > certificateNotice:
		f.ends.Over("the client certificate (KAFKA_TLS_CERT_FILE) is valid until " + ends.UTC().Format(time.RFC3339))
	case left > 0:
		f.ends.Problem(fmt.Sprintf("the client certificate (KAFKA_TLS_CERT_FILE) expires in %d days, at %s: replace it and its key, no restart is needed",
			int(left/(24*time.Hour)), ends.UTC().Format(time.RFC3339)))
	default:
		f.ends.Problem(fmt.Sprintf("the client certificate (KAFKA_TLS_CERT_FILE) expired at %s, brokers reject it: replace it and its key, no restart is needed",
			ends.UTC().Format(time.RFC3339)))
	}
}

// notes are actions for an operator.
func (f *files) notes() []string {
	notes := []string{f.ends.Text()}
	for _, problem := range f.set.Problems() {
		notes = append(notes, unusable(problem))
	}
	return notes
}
