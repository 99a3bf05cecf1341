package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// check looks at the whole after a clean stop.
func (s *sandbox) check(ctx context.Context) {
	left, err := s.client.uncommitted(ctx)
	switch {
	case err != nil:
		s.board.complain("%v", err)
	case left == 0:
	case s.opts.once:
		s.board.complain("the service has stopped with %d answered events not committed", left)
	default:
		s.paper.say(noColour, "")
		s.paper.wrapped(noColour, "", fmt.Sprintf("%d events stand above the committed offsets; a next start would take up those without an answer", left))
	}
	if !s.opts.once || !s.board.exact {
		return
	}
	count := s.mpc.Counters()
	if count.MaxInFlightPerTask > 1 {
		s.board.complain("MPC saw %d calls for one task at the same time", count.MaxInFlightPerTask)
	}
	if calls := s.board.total().calls; count.Retries != calls {
		s.board.complain("MPC saw %d calls, but the answered events account for %d", count.Retries, calls)
	}
}

// words says what became of all events. The numbers of the parts add up to the whole.
func (s sum) words(took time.Duration) string {
	count := func(k kind) (n int) {
		for _, of := range s.reasons[k] {
			n += of
		}
		return n
	}
	var parts []string
	for _, part := range []struct {
		n     int
		words string
	}{
		{count(retried), "retried"},
		{count(retryFailed), "not retried"},
		{count(deadLetter), "unreadable"},
		{count(ignored), "no failure"},
		{s.seen - s.settled, "without an answer yet"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.words))
		}
	}
	if last := len(parts) - 1; last > 0 {
		parts = append(parts[:last-1], parts[last-1]+" and "+parts[last])
	}
	events := "events"
	if s.seen == 1 {
		events = "event"
	}
	return fmt.Sprintf("%d %s in %s: %s.", s.seen, events, seconds(took), strings.Join(parts, ", "))
}

// sumUp says how it went.
func (s *sandbox) sumUp(took time.Duration) {
	b := s.board
	sum := b.total()
	if sum.seen == 0 {
		return
	}
	width := s.paper.width()
	s.paper.say(noColour, "")
	s.paper.wrapped(bold, "", sum.words(took))
	const indent = whyWidth + 11
	for k := retried; k <= ignored; k++ {
		reasons := sum.reasons[k]
		total := 0
		var parts []string
		for _, reason := range slices.Sorted(maps.Keys(reasons)) {
			total += reasons[reason]
			parts = append(parts, fmt.Sprintf("%s %d", reason, reasons[reason]))
		}
		if total == 0 {
			continue
		}
		lines := wrap(parts, width-indent)
		s.paper.write(fmt.Sprintf("  %s %5d   %s\n", s.paper.paint(colours[k], pad(cmp.Or(b.names[k], "no answer"), whyWidth)), total,
			strings.Join(lines, "\n"+strings.Repeat(" ", indent))))
	}
	count := s.mpc.Counters()
	s.paper.write(fmt.Sprintf("  %s %5d   calls: %d accepted, %d not; beside them %d state queries\n",
		pad("MPC", whyWidth), count.Retries, count.Accepted, count.Retries-count.Accepted, count.Queries))
	if sum.repeats > 0 {
		s.paper.say(noColour, "  %d answers were repeated with the same id, for subscribers to drop", sum.repeats)
	}
	if sum.broken > 0 {
		s.paper.say(red, "✗ %d times it was not as expected", sum.broken)
	} else {
		s.paper.say(green, "✓ every answer was as expected")
	}
}
