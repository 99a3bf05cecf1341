package sandbox

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// redraw is how often the status line is drawn. Without a terminal the status is printed as a
// line, every longWait, while there is a fault, the service holds calls back, or events wait.
const redraw = 500 * time.Millisecond

// rateOver is the time over which the calls a second are measured.
const rateOver = 5 * time.Second

// showStatus shows the status of MPC and the service until the context ends.
func (s *sandbox) showStatus(ctx context.Context) {
	var seen rateMeter
	last := time.Now()
	showedTrouble := false
	for wait(ctx, redraw) {
		now := time.Now()
		count := s.mpc.Counters()
		rate := seen.rate(now, count.Retries+count.Queries)
		service, err := s.metrics.read(ctx)
		if err != nil {
			continue // the service is starting or stopping
		}
		fault, since := s.active.current()
		parts := statusOf(fault, since, now, service, rate)
		if s.tty != nil {
			s.printer.setStatus(parts, s.tty.width())
			continue
		}
		// One waiting event is normal: the task that always fails. The first status
		// after a fault is printed too.
		troubled := fault != nil || !service.available || service.waitingInAll() > 1
		if now.Sub(last) >= longWait && (troubled || showedTrouble) {
			last, showedTrouble = now, troubled
			s.printer.print(dim, "  %s  … %s", now.Format(momentLayout), strings.Join(parts, " · "))
		}
	}
}

// statusOf returns the parts of the status: MPC, the service, events, calls, limit.
func statusOf(f *fault, since, now time.Time, service figures, rate float64) []string {
	mpc := "MPC healthy"
	if f != nil {
		mpc = "MPC " + f.name
	}
	if !since.IsZero() {
		mpc += fmt.Sprintf(" for %.0f s", now.Sub(since).Seconds())
	}
	action := "service is calling"
	if !service.available {
		action = "service holds calls back"
	}
	limit := "no limit"
	if !math.IsInf(service.perMinute, 1) {
		limit = "limit " + short(service.perMinute) + "/min"
	}
	return []string{mpc, action, waitWords(service.waiting), fmt.Sprintf("%.1f calls/s", rate), limit}
}

// short writes a number briefly, as in 95, 12k or 1.1M: after throttling, the limit grows into
// the millions before it is removed.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.1fM", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

// waitWords says how many events wait, and for what.
func waitWords(waiting map[string]int) string {
	var words []string
	for _, kind := range []struct{ name, words string }{
		{"outage", "%d wait for MPC"}, {"kafka", "%d wait for Kafka"}, {"quota", "%d wait for quota"}, {"backoff", "%d back off"},
	} {
		if n := waiting[kind.name]; n > 0 {
			words = append(words, fmt.Sprintf(kind.words, n))
		}
	}
	if len(words) == 0 {
		return "no event waits"
	}
	return strings.Join(words, ", ")
}

// rateMeter measures a rate from a growing count.
type rateMeter []struct {
	at    time.Time
	count int
}

// rate adds a count and returns the rate per second over the last rateOver.
func (p *rateMeter) rate(now time.Time, count int) float64 {
	*p = append(*p, struct {
		at    time.Time
		count int
	}{now, count})
	for now.Sub((*p)[0].at) > rateOver {
		*p = (*p)[1:]
	}
	first := (*p)[0]
	if took := now.Sub(first.at); took > 0 {
		return float64(count-first.count) / took.Seconds()
	}
	return 0
}
