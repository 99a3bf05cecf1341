//go:build browser

package browser

import (
	"strings"
	"testing"

	"remux-retrier/internal/page"
)

func TestAFloodOfUnreadableRecordsIsSaidAndLeadsToTheLetters(t *testing.T) {
	t.Parallel()
	s := newService(nil).aDay()
	s.flood = 600
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, map[bool]string{true: "dark", false: "light"}[w.phone])
		b.until(`document.getElementById('state').dataset.state === 'unreadable'`)
		if title := b.text("#state-title"); !strings.Contains(title, "unreadable records in 5 min: no_task_id") {
			t.Errorf("the headline is %q", title)
		}
		if mood := value[string](b, `document.getElementById('state').dataset.mood`); mood != "wait" {
			t.Errorf("its colour is %q's", mood)
		}
		b.keep("unreadable-" + w.name)
		_ = value[bool](b, `(document.querySelector('#state-letters a').click(), true)`)
		b.until(`document.getElementById('filter-outcome').value === 'dead_letter'`)
		b.until(`[...document.querySelectorAll('#latest .chip')].length > 0 && [...document.querySelectorAll('#latest .chip')].every((chip) => chip.dataset.outcome === 'dead_letter')`)
		b.well(url)
	}
}

// One task that waits holds the low-water mark: the lag is no measure of the work.
func TestTheLagOfOneTaskThatWaitsIsExplained(t *testing.T) {
	t.Parallel()
	s := newService(func(s *page.Status) {
		s.Flow = page.Flow{Lag: 102, LagKnown: true, Unanswered: 1, Held: 1, Waiting: page.Waiting{Backoff: 1}, OldestAt: s.Flow.OldestAt}
		s.Partitions = []page.Partition{{Partition: 3, Committed: 898, Next: 1000, End: 1000, Unanswered: 1}}
	})
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, "light")
		if first := value[string](b, `document.querySelector('#flow .node').textContent`); !strings.HasPrefix(first, "Unanswered1") || !strings.Contains(first, "lag 102") {
			t.Errorf("the picture begins with %q", first)
		}
		if words := b.text("#lag-text"); !strings.Contains(words, "only 1 event is unanswered") || !strings.Contains(words, "101 records after it are answered already") {
			t.Errorf("the lag is not explained: %q", words)
		}
		if row := value[string](b, `[...document.querySelectorAll('#partitions td')].slice(0, 3).map((cell) => cell.textContent).join()`); row != "3,1,102" {
			t.Errorf("the partition's row is %q", row)
		}
		for _, text := range outside {
			if n := b.number(`(` + text + `).length`); n > 0 {
				t.Errorf("%s: %v texts run out of their boxes", w.name, n)
			}
		}
		b.keep("lag-" + w.name)
		b.well(url)
	}
}
