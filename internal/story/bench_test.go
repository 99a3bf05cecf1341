package story

import (
	"strconv"
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
)

// BenchmarkEvent measures the story of a usual event in a full store. At 1,000 events a
// second, a microsecond is a thousandth of a core.
func BenchmarkEvent(b *testing.B) {
	s, err := New(Config{Clock: clock.System})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := s.Begin(strconv.Itoa(i), at(int64(i)), events.Failure{ErrorCode: "MPC.10105"})
		for _, k := range [...]Kind{Received, QuotaWait, Call, Accepted} {
			r.Step(Step{Kind: k})
		}
		r.Step(Step{Kind: Answered, Reason: events.Accepted})
		r.Decided(events.Outcome{Reason: events.Accepted})
		r.Step(Step{Kind: Published})
	}
}
