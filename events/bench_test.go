package events_test

import (
	"runtime"
	"strings"
	"testing"

	"remux-retrier/events"
)

const typical = `{"task_id":"538526","error_code":"MPC.10105","description":"The system is busy, please retry.","project":"live","asset":{"id":"a-93f1","title":"Evening news"},"segments":[1,2,3],"at":"2026-11-23T08:00:00Z"}`

func BenchmarkReadFailure(b *testing.B) {
	for _, test := range []struct{ name, value string }{
		{"plain", typical},
		{"notification", notified},
		{"cloud event", cloudEvent(typical)},
		{"SMN", smn(notified)},
		{"900 kB of text", `{"x":"` + strings.Repeat("a", 900_000) + `","task_id":"1"}`},
		{"900 kB of brackets", `{"x":[` + strings.Repeat(`{"a":[0]},`, 90_000) + `0],"task_id":"1"}`},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(test.value)))
			value := []byte(test.value)
			for b.Loop() {
				if _, err := events.ReadFailure(value, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	o := outcome(events.Accepted)
	b.ReportAllocs()
	for b.Loop() {
		encode(b, o)
	}
}

func BenchmarkDecodeOutcome(b *testing.B) {
	m := encode(b, outcome(events.Accepted))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.DecodeOutcome(m.Value, m.Headers); err != nil {
			b.Fatal(err)
		}
	}
}

// A large unknown field is skipped, neither copied nor built.
func TestLargeUnknownFieldsCostNoMemory(t *testing.T) {
	for name, x := range map[string]string{
		"text":     `"` + strings.Repeat("a", 900_000) + `"`,
		"brackets": `[` + strings.Repeat(`{"a":[0]},`, 90_000) + `0]`,
		"levels":   nested(900),
	} {
		value := []byte(`{"x":` + x + `,"task_id":"1"}`)
		// In bytes: the number of allocations depends on whether the decoder pool has one.
		const runs = 10
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := events.ReadFailure(value, nil); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / runs; each > uint64(max(16<<10, len(value)/5)) {
			t.Errorf("%s: %d bytes allocated for a value of %d", name, each, len(value))
		}
	}
}

// Thousands are written a second: the value and the headers' texts share one buffer.
func TestAnOutcomeIsWrittenOnce(t *testing.T) {
	for _, o := range []events.Outcome{outcome(events.Accepted), outcome(events.Rejected)} {
		if n := testing.AllocsPerRun(100, func() { encode(t, o) }); n > 2 {
			t.Errorf("%v allocations, want 2 (the bytes, the headers)", n)
		}
	}
}
