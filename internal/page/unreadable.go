package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"remux-retrier/internal/metrics"
)

// A few unreadable records are usual; many mean that a producer is broken: manyLetters
// within lettersWindow, or someLetters if they are a tenth of all records.
const (
	lettersWindow = 5 * time.Minute
	manyLetters   = 100
	someLetters   = 20
)

// Letters counts the dead letters of the last five minutes; after a start, those since
// then.
type Letters struct {
	Count int64 `json:"count"`
	// Of is how many records were finished in that time, including the dead letters.
	Of      int64   `json:"of"`
	Seconds float64 `json:"seconds"`
	// Reasons are the reasons of the dead letters, most frequent first.
	Reasons []string `json:"reasons"`
}

// letters keeps the counts of the last snapshots, from which Letters is computed.
type letters []lettersAt

type lettersAt struct {
	at          time.Time
	finished    int64            // all records, including the dead letters
	deadLetters map[string]int64 // by reason
}

// update adds the current counts, and sets s.Letters.
func (l *letters) update(s *Status, events []metrics.EventCount) {
	now := lettersAt{at: s.At, deadLetters: map[string]int64{}}
	for _, e := range events {
		now.finished += e.Count
		if e.Outcome == metrics.DeadLetter {
			now.deadLetters[e.Reason] = e.Count
		}
	}
	*l = append(*l, now)
	for len(*l) > 1 && s.At.Sub((*l)[1].at) >= lettersWindow {
		*l = (*l)[1:]
	}
	first := (*l)[0]
	got := Letters{Of: now.finished - first.finished, Seconds: now.at.Sub(first.at).Seconds(), Reasons: []string{}}
	added := map[string]int64{}
	for reason, n := range now.deadLetters {
		if n -= first.deadLetters[reason]; n > 0 {
			got.Count += n
			added[reason] = n
			got.Reasons = append(got.Reasons, reason)
		}
	}
	slices.SortFunc(got.Reasons, func(a, b string) int {
		return cmp.Or(cmp.Compare(added[b], added[a]), cmp.Compare(a, b))
	})
	s.Letters = got
}

func (l Letters) many() bool {
	return l.Count >= manyLetters || l.Count >= someLetters && 10*l.Count >= l.Of
}

// mostReasons is how many reasons a headline names.
const mostReasons = 2

// unreadableRecords is the state while a producer writes many unreadable records. other is
// the state that would be shown otherwise.
func unreadableRecords(s *Status, other State) State {
	l := s.Letters
	reasons := strings.Join(l.Reasons[:min(len(l.Reasons), mostReasons)], ", ")
	if len(l.Reasons) > mostReasons {
		reasons += " and others"
	}
	state := s.at(Unreadable, fmt.Sprintf("%s unreadable records in %.0f min: %s", group(int(l.Count)), max(1, l.Seconds/60), reasons),
		fmt.Sprintf("They became dead letters. %s of %s records could be read, and are answered as usual.", group(int(l.Of-l.Count)), group(int(l.Of))))
	if other.Name == QuotaWait || other.Name == Throttled {
		state.Text += " Also: " + other.Title + "."
	}
	state.Advice = "Correct the producer: each dead letter says in its headers what is wrong."
	return state
}
