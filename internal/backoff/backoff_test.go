package backoff

import (
	"testing"
	"time"
)

func TestWaitsDoubleUpToTheMaximum(t *testing.T) {
	b := Backoff{Base: 100 * time.Millisecond, Max: time.Second, Rand: func() float64 { return 1 }}
	for i, want := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		if got := b.Next(); got != want*time.Millisecond {
			t.Errorf("wait %d: %v, want %vms", i, got, int(want))
		}
	}
	for range 100 { // no shift overflows, however long the outage
		if got := b.Next(); got != time.Second {
			t.Fatalf("later wait: %v", got)
		}
	}
	b.Reset()
	if got := b.Next(); got != 100*time.Millisecond {
		t.Errorf("after a success: %v", got)
	}
}

func TestJitterKeepsTheWaitWithinItsBounds(t *testing.T) {
	for _, r := range []float64{0, 0.5, 0.999} {
		b := Backoff{Base: time.Second, Max: time.Minute, Rand: func() float64 { return r }}
		if got := b.Next(); got < time.Second/2 || got > time.Second {
			t.Errorf("jitter %v: waits %v", r, got)
		}
	}
}
