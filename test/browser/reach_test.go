//go:build browser

package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What only a mouse's pointer brings up is hidden from a keyboard, a finger and a
// screen reader.
func TestAPlotsPointsAreToldWithoutAMouse(t *testing.T) {
	t.Parallel()
	s := newService(nil).aDay()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[1], "light")
	b.until(`document.querySelector('#times .legend') && document.querySelectorAll('#times path').length === 2`)
	for _, plot := range []string{"throughput", "times"} {
		text := func() string {
			t.Helper()
			said, shown := value[string](b, `document.getElementById('`+plot+`').getAttribute('aria-valuetext')`), value[string](b, `document.querySelector('#`+plot+` .legend').textContent`)
			if said != shown || said == "" {
				t.Errorf("%s: a screen reader hears %q, there stands %q", plot, said, shown)
			}
			return said
		}
		usual := text()
		b.do(chromedp.Focus("#" + plot))
		seen := map[string]bool{usual: true}
		for _, key := range []string{kb.ArrowLeft, kb.ArrowLeft, kb.PageDown, kb.Home} {
			b.do(chromedp.KeyEvent(key))
			if seen[text()] {
				t.Errorf("%s: %q tells nothing new: %q", plot, key, text())
			}
			seen[text()] = true
		}
		if n := b.number(`document.querySelectorAll('#` + plot + ` .mark').length`); n != 1 {
			t.Errorf("%s: %v marks show where it is", plot, n)
		}
		b.keep("reading-" + plot)
		_ = value[bool](b, `(document.activeElement.blur(), true)`)
		if text() != usual {
			t.Errorf("%s: left, it tells of %q, not of %q", plot, text(), usual)
		}
		_ = value[bool](b, `(() => { const p = document.querySelector('#`+plot+` svg'), r = p.getBoundingClientRect(); return p.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch', clientX: r.left + r.width / 2, clientY: r.top + 20 })) })()`)
		if text() == usual {
			t.Errorf("%s: a finger in its middle changes nothing", plot)
		}
	}
	b.well(url)
}

func TestWhatIsWrongWithAPartitionAndWhyATaskFailedIsWrittenOut(t *testing.T) {
	t.Parallel()
	s := newService(stateNamed("partition")).aDay()
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, "light")
		if words := b.text("#problems"); !strings.Contains(words, "Partition 2: fetching: dial tcp 10.0.4.17:9092: i/o timeout") {
			t.Errorf("%s: %q", w.name, words)
		}
		for _, why := range []string{"not_json: the value is no JSON at byte 14", "task_not_found: HTTP 400 MPC.10211 (Task does not exist.)", "partition 1, offset 21009"} {
			if words := b.text("#latest"); !strings.Contains(words, why) {
				t.Errorf("%s: %q stands nowhere", w.name, why)
			}
		}
		if n := b.number(`document.querySelectorAll('main [title]').length`); n > 0 {
			t.Errorf("%s: %v texts show under a pointer alone", w.name, n)
		}
	}
}

// A median of two answers is a number that says nothing.
func TestFewAnswersAreShownThemselves(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.few = 1
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, "light")
		b.until(`document.querySelectorAll('#times .dot').length >= 12`)
		if lines := value[string](b, `[...document.querySelectorAll('#times path')].map((line) => line.getAttribute('d')).join('')`); lines != "" {
			t.Errorf("%s: quantiles of a few are drawn: %s", w.name, lines)
		}
		if words := b.text("#times .legend"); !strings.Contains(words, "answer") || strings.Contains(words, "99 in 100") {
			t.Errorf("%s: it says %q", w.name, words)
		}
		b.keep("few-" + w.name)
		b.well(url)
	}
}
