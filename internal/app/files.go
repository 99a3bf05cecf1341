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

// certificateNotice is how long before a client certificate's end its renewal is
// asked for.
const certificateNotice = 14 * 24 * time.Hour

// files says what becomes of the files that secrets and certificates stand in.
// The values follow them by themselves.
type files struct {
	set  *watchfile.Set
	tls  *config.TLS
	log  logrus.FieldLogger
	ends *notice.Notice
}

func newFiles(cfg config.Config, log logrus.FieldLogger) *files {
	f := &files{set: cfg.Files, tls: cfg.Kafka.TLS, log: log, ends: notice.New(log)}
	f.set.Listen(f.say)
	return f
}

// run looks at the files each second, and reads them all at each hang-up.
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
			f.log.WithField("unusable", len(f.set.Problems())).Info("SIGHUP: read the files of secrets and certificates again")
		}
	}
}

func (f *files) say(e watchfile.Event) {
	switch {
	case e.Problem != nil:
		f.log.Warn(unusable(e))
	case e.Changed:
		f.log.Info(e.Name + " has changed: what it holds now is used from the next request or connection on")
	default:
		f.log.Info(e.Name + " can be read again, and has not changed")
	}
}

func unusable(e watchfile.Event) string {
	return fmt.Sprintf("%s cannot be used as it is now, what was read before stays in use: %v", e.Name, e.Problem)
}

// certificate says once a day that the client certificate ends soon.
func (f *files) certificate(now time.Time) {
	ends := f.tls.CertificateEnds()
	switch left := ends.Sub(now); {
	case ends.IsZero():
	case left > certificateNotice:
		f.ends.Over("the client certificate (KAFKA_TLS_CERT_FILE) holds until " + ends.UTC().Format(time.RFC3339))
	case left > 0:
		f.ends.Problem(fmt.Sprintf("the client certificate (KAFKA_TLS_CERT_FILE) ends in %d days, at %s: put a new one and its key in place, no restart is needed",
			int(left/(24*time.Hour)), ends.UTC().Format(time.RFC3339)))
	default:
		f.ends.Problem(fmt.Sprintf("the client certificate (KAFKA_TLS_CERT_FILE) ended at %s, brokers refuse it: put a new one and its key in place, no restart is needed",
			ends.UTC().Format(time.RFC3339)))
	}
}

// notes are what somebody should do.
func (f *files) notes() []string {
	notes := []string{f.ends.Text()}
	for _, problem := range f.set.Problems() {
		notes = append(notes, unusable(problem))
	}
	return notes
}
