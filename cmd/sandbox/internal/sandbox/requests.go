package sandbox

import (
	"fmt"
	"time"

	"remux-retrier/internal/mpcsim"
)

// noticeable is the shortest wait that is shown.
const noticeable = 300 * time.Millisecond

// taskRequests are the requests for one task, in the order in which they ended.
type taskRequests struct {
	steps []step
	calls int
	lost  bool // a call was carried out, and its answer was lost
}

type step struct {
	from, to time.Time
	text     string
}

// add adds a request for the task. state is the task's state, for queries.
func (t *taskRequests) add(seen mpcsim.Request, state mpcsim.Status, now time.Time) {
	name := "query"
	if seen.Operation == mpcsim.Retry {
		name = "call"
		t.calls++
		t.lost = t.lost || seen.Lost && seen.Verdict == mpcsim.Accepted
	}
	t.steps = append(t.steps, step{seen.At, now, name + " → " + result(seen, state)})
}

func result(seen mpcsim.Request, state mpcsim.Status) string {
	switch {
	case seen.Lost:
		return "no answer"
	case seen.Operation == mpcsim.Query && seen.Verdict == mpcsim.Accepted:
		return string(state)
	case seen.Code != "":
		return fmt.Sprintf("%d %s", seen.Status, seen.Code)
	}
	return fmt.Sprint(seen.Status)
}

// describe returns the steps in words, for an event that was published at from. Three
// or more equal steps in a row are combined.
func (t *taskRequests) describe(from time.Time) []string {
	var words []string
	for i := 0; i < len(t.steps); {
		first := t.steps[i]
		n := 1
		for i+n < len(t.steps) && t.steps[i+n].text == first.text {
			n++
		}
		if n < 3 {
			n = 1
		}
		last := t.steps[i+n-1]
		if wait := first.from.Sub(from); wait >= noticeable {
			words = append(words, "wait "+seconds(wait))
		}
		word := first.text
		took := last.to.Sub(first.from)
		switch {
		case n > 1:
			word = fmt.Sprintf("%s ×%d in %s", word, n, seconds(took))
		case took >= noticeable:
			word = fmt.Sprintf("%s in %s", word, seconds(took))
		}
		words = append(words, word)
		from = last.to
		i += n
	}
	return words
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
