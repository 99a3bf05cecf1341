package sandbox

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"
)

// The status line is drawn anew so often. Where there is no terminal it is a
// line of its own: while something is the matter, so often as longWait.
const redraw = 500 * time.Millisecond

// rateOver is how long calls are counted for the calls a second.
const rateOver = 5 * time.Second

// report shows how MPC and the service are until the context ends.
func (s *sandbox) report(ctx context.Context) {
	var seen pulse
	last := time.Now()
	matter := false
	for wait(ctx, redraw) {
		now := time.Now()
		count := s.mpc.Counters()
		rate := seen.rate(now, count.Retries+count.Queries)
		service, err := s.meter.read(ctx)
		if err != nil {
			continue // it starts, or stops
		}
		fault, since := s.weather.now()
		parts := statusOf(fault, since, now, service, rate)
		if s.tty != nil {
			s.paper.status(parts, s.tty.width())
			continue
		}
		// The cursed task alone is no matter. The end of one is told too.
		troubled := fault != nil || !service.available || service.waitingInAll() > 1
		if now.Sub(last) >= longWait && (troubled || matter) {
			last, matter = now, troubled
			s.paper.say(dim, "  %s  … %s", now.Format(momentLayout), strings.Join(parts, " · "))
		}
	}
}

// statusOf says it in a few words each: MPC, the service, the events, the calls.
func statusOf(f *fault, since, now time.Time, service figures, rate float64) []string {
	mpc := "MPC well"
	if f != nil {
		mpc = "MPC " + f.name
	}
	if !since.IsZero() {
		mpc += fmt.Sprintf(" for %.0f s", now.Sub(since).Seconds())
	}
	acts := "service calls"
	if !service.available {
		acts = "service holds calls back"
	}
	limit := "no limit"
	if !math.IsInf(service.perMinute, 1) {
		limit = "limit " + short(service.perMinute) + "/min"
	}
	return []string{mpc, acts, waitWords(service.waiting), fmt.Sprintf("%.1f calls/s", rate), limit}
}

// short is a number of three or four digits: after throttling the limit climbs
// into the millions before it is gone.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.1fM", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

// waitWords says how many events wait, and what for.
func waitWords(waiting map[string]int) string {
	var words []string
	for _, kind := range []struct{ name, words string }{
		{"outage", "%d wait for MPC"}, {"kafka", "%d wait for Kafka"}, {"quota", "%d wait their turn"}, {"backoff", "%d back off"},
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

// pulse measures a rate from a count that grows.
type pulse []struct {
	at    time.Time
	count int
}

// rate is per second, over the last rateOver.
func (p *pulse) rate(now time.Time, count int) float64 {
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
