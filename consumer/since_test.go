package consumer

import (
	"testing"
	"time"
)

// sinceAt is the Since of a commit now, in seconds after start; −1: it is zero.
func sinceAt(tr *tracker, start time.Time) int {
	_, m := tr.position(false)
	if m.Since.IsZero() {
		return -1
	}
	return int(m.Since.Sub(start) / time.Second)
}

func TestSinceIsWhenTheLowestUnansweredEventWasTakenOn(t *testing.T) {
	start := time.UnixMilli(1e12)
	c := &handClock{now: start}
	tr := bounded(c, 0, CommitMetadata{}, 0, 10, 1<<20)
	var entries []*entry
	for i := range int64(3) {
		c.now = start.Add(time.Duration(10*(i+1)) * time.Second)
		entries = append(entries, mustTrack(t, tr, i, 1))
	}
	c.now = start.Add(time.Hour)
	tr.tick()
	for i, want := range []int{10, 10, 20, 3600} {
		if got := sinceAt(tr, start); got != want {
			t.Errorf("%d answered: %d s, want %d", i, got, want)
		}
		switch i { // out of order
		case 0:
			tr.resolve(entries[2])
		case 1:
			tr.resolve(entries[0])
		case 2:
			tr.resolve(entries[1])
		}
	}
	c.now = c.now.Add(time.Minute)
	if got := sinceAt(tr, start); got != 3600 {
		t.Errorf("an idle partition's commit changes between two ticks: %d s", got)
	}
}

func TestSinceIsInheritedWhileTheLogOfBeforeIsOpen(t *testing.T) {
	start := time.UnixMilli(1e12)
	for name, c := range map[string]struct {
		inherited time.Time
		before    int // while an earlier event is unanswered
	}{
		"known":                    {start.Add(-time.Hour), -3600},
		"unknown":                  {time.Time{}, -1},
		"by a clock that is ahead": {start.Add(time.Hour), 10},
	} {
		t.Run(name, func(t *testing.T) {
			now := &handClock{now: start}
			tr := bounded(now, 5, CommitMetadata{Since: c.inherited}, 7, 10, 1<<20)
			now.now = start.Add(10 * time.Second)
			tr.tick()
			if got := sinceAt(tr, start); got != c.before {
				t.Errorf("nothing is fetched yet: %d s, want %d", got, c.before)
			}
			at5, at6 := mustTrack(t, tr, 5, 1), mustTrack(t, tr, 6, 1)
			now.now = start.Add(20 * time.Second)
			mustTrack(t, tr, 7, 1)
			tr.resolve(at5)
			if got := sinceAt(tr, start); got != c.before {
				t.Errorf("an event from before is unanswered: %d s, want %d", got, c.before)
			}
			tr.resolve(at6)
			if got := sinceAt(tr, start); got != 20 {
				t.Errorf("only events that came since are unanswered: %d s, want 20", got)
			}
		})
	}
}
