package command

import (
	"cmp"
	"fmt"
	"time"

	"remux-retrier/internal/plain"
	"remux-retrier/internal/sweep"
	"remux-retrier/mpcclient"
)

// sweepShow prints a sweep: on standard output each event, and each task that is skipped;
// on standard error the progress.
type sweepShow struct {
	*progress
	env Env
}

func (s *sweepShow) Listed(n, total int) {
	s.set(int64(n), int64(total), fmt.Sprintf("%d of %d failed tasks listed", n, total))
}

func (s *sweepShow) Published(t mpcclient.ListedTask, place string) {
	s.clear()
	ended := "at an unknown time"
	if !t.EndTime.IsZero() {
		ended = t.EndTime.Format(time.RFC3339)
	}
	fmt.Fprintf(s.env.Stdout, "%s\t%s\t%s\t%s\n", shown(t.ID), cmp.Or(place, "would be published"), plain.Text(cmp.Or(t.ErrorCode, "no code")), ended)
}

func (s *sweepShow) Skipped(taskID, why string) {
	s.clear()
	what := "skipped"
	if taskID != "" {
		what += " " + shown(taskID)
	}
	fmt.Fprintf(s.env.Stdout, "%s: %s\n", what, plain.Text(why))
}

func (s *sweepShow) Progress(t sweep.Totals) {
	s.set(int64(t.Done), int64(t.InRange), fmt.Sprintf("%d of %d tasks, %d published, %d known already", t.Done, t.InRange, t.Published, t.Known))
}

func (s *sweepShow) Trouble(text string) {
	s.clear()
	fmt.Fprintln(s.env.Stderr, "waiting: "+text)
}
