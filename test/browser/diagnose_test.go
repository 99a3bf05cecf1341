//go:build browser

package browser

import (
	"strings"
	"testing"
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
