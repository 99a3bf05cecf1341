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

// check checks offsets and calls after a clean stop.
func (s *sandbox) check(ctx context.Context) {
	left, err := s.client.uncommitted(ctx)
	switch {
	case err != nil:
		s.checker.problem("%v", err)
	case left == 0:
	case s.opts.once:
		s.checker.problem("the service has stopped with %d answered events not committed", left)
	default:
		s.printer.print(noColour, "")
		s.printer.wrapped(noColour, "", fmt.Sprintf("%d events are above the committed offsets; the next start would go on with those without an answer", left))
	}
	if !s.opts.once || !s.checker.exact {
		return
	}
	count := s.mpc.Counters()
	if count.MaxInFlightPerTask > 1 {
		s.checker.problem("MPC saw %d calls for one task at the same time", count.MaxInFlightPerTask)
	}
	if calls := s.checker.total().calls; count.Retries != calls {
		s.checker.problem("MPC saw %d calls, but the answered events account for %d", count.Retries, calls)
	}
}

// words says how many events got which kind of answer. The numbers add up.
func (t totals) words(took time.Duration) string {
	count := func(k kind) (n int) {
		for _, of := range t.reasons[k] {
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
		{count(recovered), "recovered"},
		{count(ignored), "no failure"},
		{t.seen - t.settled, "without an answer yet"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.words))
		}
	}
	if last := len(parts) - 1; last > 0 {
		parts = append(parts[:last-1], parts[last-1]+" and "+parts[last])
	}
	events := "events"
	if t.seen == 1 {
		events = "event"
	}
	return fmt.Sprintf("%d %s in %s: %s.", t.seen, events, seconds(took), strings.Join(parts, ", "))
}

// printSummary prints how many events got which answer.
func (s *sandbox) printSummary(took time.Duration) {
	c := s.checker
	totals := c.total()
	if totals.seen == 0 {
		return
	}
	width := s.printer.width()
	s.printer.print(noColour, "")
	s.printer.wrapped(bold, "", totals.words(took))
	const indent = reasonWidth + 11
	for k := retried; k <= ignored; k++ {
		reasons := totals.reasons[k]
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
		s.printer.write(fmt.Sprintf("  %s %5d   %s\n", s.printer.paint(colours[k], pad(cmp.Or(c.names[k], "no answer"), reasonWidth)), total,
			strings.Join(lines, "\n"+strings.Repeat(" ", indent))))
	}
	count := s.mpc.Counters()
	s.printer.write(fmt.Sprintf("  %s %5d   calls: %d accepted, %d not; and %d state queries\n",
		pad("MPC", reasonWidth), count.Retries, count.Accepted, count.Retries-count.Accepted, count.Queries))
	if totals.repeats > 0 {
		s.printer.print(noColour, "  %d answers were repeated with the same id, for subscribers to drop", totals.repeats)
	}
	if totals.problems > 0 {
		s.printer.print(red, "✗ %d problems: not everything was as expected", totals.problems)
	} else {
		s.printer.print(green, "✓ every answer was as expected")
	}
}
