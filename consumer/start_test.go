package consumer_test

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

func latest(c *consumer.Config) { c.Latest = true }

func (w *world) wantAnswers(ids ...string) {
	w.t.Helper()
	got := w.answers()
	for _, id := range ids {
		if got[id] != 1 {
			w.t.Errorf("%s was answered %d times", id, got[id])
		}
	}
	if len(got) != len(ids) {
		w.t.Errorf("%d answers, want %d: %v", len(got), len(ids), got)
	}
}

func TestAGroupWithoutCommitsStartsWhereItIsToldTo(t *testing.T) {
	for name, c := range map[string]struct {
		options []func(*consumer.Config)
		want    []string
	}{
		"earliest": {nil, []string{"0/0", "0/1", "0/2"}},
		"latest":   {[]func(*consumer.Config){latest}, []string{"0/2"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.append(0, 2)
				a := w.start("a", nil, c.options...)
				time.Sleep(3 * time.Second)
				w.append(0, 1)
				time.Sleep(3 * time.Second)
				a.stop()
				w.wantAnswers(c.want...)
			})
		})
	}
}

func TestUnderLatestASecondMemberDoesNotReadWhatIsOld(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 2)
		w.append(1, 2)
		a := w.start("a", nil, latest)
		// a has committed its partition long before b starts to read its own.
		b := w.start("b", nil, latest, with(slow(memlog.Committed, 3*time.Second)))
		time.Sleep(10 * time.Second)
		w.append(0, 1)
		w.append(1, 1)
		time.Sleep(3 * time.Second)
		a.stop()
		b.stop()
		w.wantAnswers("0/2", "1/2")
	})
}

func TestAddedPartitionsAreReadFromTheirBeginning(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 10 * time.Millisecond, "later": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				a := w.start("a", nil, latest)
				time.Sleep(wait)
				w.broker.Create(topic, 3)
				w.append(0, 1)
				w.append(2, 2)
				time.Sleep(15 * time.Second)
				a.stop()
				w.wantAnswers("0/0", "2/0", "2/1")
			})
		})
	}
}

func TestAPartitionAddedWhileNoInstanceRanIsReadFromItsBeginning(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		a := w.start("a", nil, latest)
		time.Sleep(3 * time.Second)
		a.stop()
		w.broker.Create(topic, 4)
		w.append(3, 2)
		a = w.start("a", nil, latest)
		b := w.start("b", nil, latest, with(slow(memlog.Committed, 3*time.Second)))
		time.Sleep(10 * time.Second)
		a.stop()
		b.stop()
		w.wantAnswers("3/0", "3/1")
	})
}
