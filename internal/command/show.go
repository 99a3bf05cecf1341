package command

import (
	"fmt"
	"io"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/redrive"
)

// show prints a redrive: on standard output each record that is skipped, and in a dry run
// each that would be put back; on standard error the progress.
type show struct {
	*progress
	out     io.Writer
	dry     bool
	trouble string // what it waits for, as printed; empty: nothing
}

func newShow(env Env, dry bool) *show {
	return &show{progress: newProgress(env), out: env.Stdout, dry: dry}
}

func (s *show) Selected(r *consumer.Record) {
	if s.dry {
		s.clear()
		fmt.Fprintf(s.out, "would put back %s, %s\n", place(r), reasonOf(r))
	}
}

func (s *show) Skipped(r *consumer.Record, why string) {
	s.clear()
	fmt.Fprintf(s.out, "skipped %s: %s\n", place(r), plain.Text(why))
}

func (s *show) Problem(text string) {
	if text == s.trouble {
		return
	}
	s.trouble = text
	s.clear()
	if text == "" {
		fmt.Fprintln(s.err, "continuing")
	} else {
		fmt.Fprintln(s.err, "waiting: "+text)
	}
}

func (s *show) Notice(text string) {
	s.clear()
	fmt.Fprintln(s.err, text)
}

func (s *show) Progress(t redrive.Totals) {
	rate := float64(t.Redriven) / max(time.Since(s.began).Seconds(), 0.001)
	s.set(t.Read, t.Of, fmt.Sprintf("%d of %d read, %d put back (%.0f/s), %d skipped", t.Read, t.Of, t.Redriven, rate, t.Skipped))
}
