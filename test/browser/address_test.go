//go:build browser

package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// An address can be sent as a link, and survives a reload.
func TestAReloadKeepsTheOpenTaskAndTheFilters(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	set := func(id, event, text string) {
		_ = value[bool](b, `(() => { const f = document.getElementById('`+id+`'); f.value = '`+text+`'; return f.dispatchEvent(new Event('`+event+`')) })()`)
	}
	set("filter-outcome", "change", "retry_failed")
	set("filter-text", "input", "10211")
	_ = value[bool](b, `(document.querySelector('#latest a').click(), true)`)
	b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
	id := value[string](b, `document.querySelector('#latest a').textContent`)
	const shown = `[document.getElementById('story-title').textContent, document.getElementById('filter-outcome').value, document.getElementById('filter-text').value, document.querySelectorAll('#latest tr').length].join()`
	want := "Task " + id + ",retry_failed,10211,3"
	if got := value[string](b, shown); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	b.do(chromedp.Reload())
	b.until(`document.getElementById('connection').textContent === 'live' && document.getElementById('story').getAttribute('aria-busy') === 'false' && ` + shown + ` === '` + want + `'`)

	_ = value[bool](b, `(document.getElementById('story-close').click(), true)`)
	if hash := value[string](b, `location.hash`); hash != "#outcome=retry_failed&text=10211" {
		t.Errorf("the address after the story was closed: %q", hash)
	}
	b.checkPage(url)
}

func TestATaskInTheListIsALink(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	href := value[string](b, `document.querySelector('#latest a').href`)
	other := open(t, href, sizes[0], "light") // as in a new tab
	other.until(`document.getElementById('story-title').textContent === 'Task ' + decodeURIComponent(location.hash.slice('#task='.length))`)
}

func TestAnAddressThatIsCutShowsThePage(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#outcome=nonsense&task=%E2%82", sizes[0], "light")
	if got := value[bool](b, `document.getElementById('story').hidden && document.getElementById('filter-outcome').value === '' && document.querySelectorAll('#latest tr').length > 0`); !got {
		t.Error("an address that is cut in an escape, with an unknown filter, shows something else")
	}
	b.checkPage(url)
}
