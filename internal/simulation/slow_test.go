package simulation

import (
	"testing"
	"time"

	"remux-retrier/consumer"
)

// running is a generation that the group does not end.
type running struct{ consumer.Generation }

func (running) Ended() <-chan struct{} { return nil }

func TestGenerationThatIsGivenUpWithoutCauseIsFound(t *testing.T) {
	const violated = "3: a generation ends only if it must"
	for _, c := range []struct {
		name   string
		grown  time.Duration // when the failed topic grew; 0: it did not
		joined time.Duration // when the member began to join
		want   string
	}{
		{"nothing has happened", 0, time.Minute, violated},
		{"the topic grew long before", time.Minute, 2 * time.Minute, violated},
		{"the topic grew right before", time.Minute, time.Minute + time.Second, ""},
		{"the topic grew while the member joined", time.Minute, time.Minute - 20*time.Second, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, _, i := quietWorld(t)
			if c.grown > 0 {
				w.s.now = c.grown
				w.grow()
			}
			w.s.now = c.joined
			i.joins()
			(&generation{Generation: running{}, n: &network{i: i}}).checkRelease()
			if got := invariantOf(w); got != c.want {
				t.Errorf("found %q", got)
			}
		})
	}
}

// The ledger learns the new count while the consumer joins with the old one.
func TestGenerationMayEndForACountThatChangedWhileItsMemberJoined(t *testing.T) {
	w, _, i := quietWorld(t)
	i.counted = 1
	i.joins()
	i.counted = 2
	(&generation{Generation: running{}, n: &network{i: i}}).checkRelease()
	if w.violation != nil {
		t.Error(w.violation)
	}
}
