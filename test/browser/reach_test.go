//go:build browser

package browser

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Content that appears only under a mouse pointer is unreachable by keyboard, touch and
// screen reader.
func TestAPlotsPointsAreToldWithoutAMouse(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[1], "light")
	b.until(`document.querySelector('#times .legend') && document.querySelectorAll('#times path').length === 2`)
	for _, plot := range []string{"throughput", "times"} {
		text := func() string {
			t.Helper()
			both := value[[]string](b, `(p => [p.getAttribute('aria-valuetext'), p.querySelector('.legend').textContent])(document.getElementById('`+plot+`'))`)
			if both[0] != both[1] || both[0] == "" {
				t.Errorf("%s: a screen reader hears %q, the page shows %q", plot, both[0], both[1])
			}
			return both[0]
		}
		b.do(chromedp.Focus("#" + plot))
		seen := map[string]bool{text(): true}
		for _, key := range []string{kb.ArrowLeft, kb.ArrowLeft, kb.PageDown, kb.Home} {
			if key == kb.Home { // beyond the beginning it cannot move on
				chosenMovesOn(t, b, plot)
			}
			b.do(chromedp.KeyEvent(key))
			if seen[text()] {
				t.Errorf("%s: %q says nothing new: %q", plot, key, text())
			}
			seen[text()] = true
		}
		// Only the mark tells the latest point from a chosen one: its text changes with time.
		marks := func() float64 { return b.number(`document.querySelectorAll('#` + plot + ` .mark').length`) }
		if n := marks(); n != 1 {
			t.Errorf("%s: %v marks show the chosen point", plot, n)
		}
		b.keep("reading-" + plot)
		_ = value[bool](b, `(document.activeElement.blur(), true)`)
		if n := marks(); n != 0 {
			t.Errorf("%s: left, it still shows a chosen point: %q", plot, text())
		}
		_ = value[bool](b, `(() => { const p = document.querySelector('#`+plot+` svg'), r = p.getBoundingClientRect(); return p.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch', clientX: r.left + r.width / 2, clientY: r.top + 20 })) })()`)
		if n := marks(); n != 1 {
			t.Errorf("%s: a finger in its middle chooses no point: %q", plot, text())
		}
	}
	b.checkPage(url)
}

// chosenMovesOn shows the plot with a history that ends two minutes later. The chosen point
// must still be that of the same time, or a reader would take one minute for another.
func chosenMovesOn(t *testing.T, b *tab, plot string) {
	t.Helper()
	_ = value[bool](b, `delete window.shown, Promise.all([import('./plot.js'), fetch('api/history').then((r) => r.json())]).then(([m, h]) => {
		const time = () => document.querySelector('#`+plot+` .when').textContent;
		m.showHistory(h);
		const before = time();
		m.showHistory({ ...h, until: new Date(Date.parse(h.until) + 120_000).toISOString() });
		window.shown = [before, time()];
		m.showHistory(h);
	}), true`)
	b.until(`window.shown`)
	if times := value[[]string](b, `window.shown`); times[0] != times[1] || times[0] == "" {
		t.Errorf("%s: the chosen point was that of %q and is now that of %q", plot, times[0], times[1])
	}
}

func TestWhatIsWrongWithAPartitionAndWhyATaskFailedIsWrittenOut(t *testing.T) {
	t.Parallel()
	s := newService(stateNamed("partition")).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, "light")
		if words := b.text("#problems"); !strings.Contains(words, "Partition 2: fetching: dial tcp 10.0.4.17:9092: i/o timeout") {
			t.Errorf("%s: %q", w.name, words)
		}
		for _, why := range []string{"not_json: the value is no JSON at byte 14", "task_not_found: HTTP 400 MPC.10211 (Task does not exist.)", "partition 1, offset 21009"} {
			if words := b.text("#latest"); !strings.Contains(words, why) {
				t.Errorf("%s: %q is not shown", w.name, why)
			}
		}
		if n := b.number(`document.querySelectorAll('main [title]').length`); n > 0 {
			t.Errorf("%s: %v texts show under a pointer alone", w.name, n)
		}
	}
}

// A median of two answers means nothing.
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
		b.checkPage(url)
	}
}

// Users who need larger letters set them in the browser: then only the texts grow.
func TestLettersOfTwiceTheSizeCutNothing(t *testing.T) {
	t.Parallel()
	s := newService(stateNamed("quota")).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, "light")
		_ = value[bool](b, `(document.documentElement.style.fontSize = '30px', true)`)
		b.do(chromedp.EmulateViewport(w.width-1, w.height, chromedp.EmulateScale(1)))
		b.until(`parseFloat(getComputedStyle(document.querySelector('.node .label')).fontSize) > 20 && document.querySelector('.node rect').getAttribute('height') > 100`)
		b.keep("large-" + w.name)
		b.checkPage(url)
	}
}

func TestASmallPhoneCutsNothing(t *testing.T) {
	t.Parallel()
	s := newService(stateNamed("quota")).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, size{"small", 320, 640, true}, "light")
	b.keep("small")
	b.checkPage(url)
}

func TestAxesHaveWholeSteps(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	b.until(`document.querySelectorAll('#times .tick').length > 4`)
	for plot, pattern := range map[string]string{"throughput": `^([0-9,]+|\d\d:(00|15|30|45))$`, "times": `^(\d+ (ms|s|min|h)|\d\d:(00|15|30|45))$`} {
		ticks := value[[]string](b, `[...document.querySelectorAll('#`+plot+` .tick')].map((tick) => tick.textContent)`)
		for _, tick := range ticks {
			if !regexp.MustCompile(pattern).MatchString(tick) {
				t.Errorf("%s has the tick %q", plot, tick)
			}
		}
	}
	b.checkPage(url)
}
