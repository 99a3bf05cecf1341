//go:build browser

package browser

import (
	"fmt"
	"strings"
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

func TestTheListHasAllThatIsRememberedPageByPage(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	for i := range 250 {
		s.add(fmt.Sprint(1000+i), events.Accepted, nil, story.Step{Kind: story.Call}, story.Step{Kind: story.Accepted})
	}
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	rows := func(page string, n int) {
		t.Helper()
		b.until(fmt.Sprintf(`document.getElementById('page-number').textContent === '%s' && document.querySelectorAll('#latest tr').length === %d`, page, n))
	}
	press := func(id string) {
		_ = value[bool](b, `(document.getElementById('`+id+`').click(), true)`)
	}
	rows("page 1", 100)
	_ = value[bool](b, `(() => { const o = document.getElementById('older'); o.click(); o.click(); return true })()`) // a double click
	rows("page 2", 100)
	press("older")
	rows("page 3", 50)
	if !value[bool](b, `document.getElementById('older').disabled && document.querySelector('#latest tr:last-child a').textContent === '1000'`) {
		t.Error("the last page does not end with the oldest")
	}
	b.keep("pages")
	press("newer")
	rows("page 2", 100)
	_ = value[bool](b, `(() => { const f = document.getElementById('filter-text'); f.value = '103'; return f.dispatchEvent(new Event('input')) })()`)
	rows("page 1", 0) // none of the latest hundred matches
	press("older")
	rows("page 2", 11)
	b.checkPage(url)
}

// Where the comma is the decimal sign, sheets split at semicolons, and no quote begins a cell.
func TestNoCellOfTheSavedListIsAFormula(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	hostile := map[string]string{
		"=1":            "'=1",
		"a;=1":          "a;'=1",
		"a;\"=1":        "a;\"\"'=1",
		"a; +1;-1;@1":   "a; '+1;'-1;'@1",
		"a\t=1":         "a\t'=1",
		"a\r\n=1\n@1":   "a\r\n'=1\n'@1",
		"a;\t=1":        "a;'\t'=1",
		"a, -1":         "a, '-1",
		"a=1 b-2 c@d.e": "a=1 b-2 c@d.e",
	}
	for text := range hostile {
		s.add("538526", events.Rejected, &events.APIError{Status: 403, Code: "c", Message: text})
	}
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	b.until(fmt.Sprintf(`document.querySelectorAll('#latest tr').length === %d`, len(hostile)))
	csv := b.saved("save-csv")
	for text, want := range hostile {
		if !strings.Contains(csv, want) {
			t.Errorf("%q: %q is not in %q", text, want, csv)
		}
	}
	b.checkPage(url)
}

func TestTheListIsSavedAsItIsFiltered(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	s.add(`=HYPERLINK("x")`, events.TaskNotFound, &events.APIError{Status: 400, Code: "MPC.10211", Message: `a "quote", a comma`})
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#outcome=retry_failed&text=10211", sizes[0], "light")
	b.until(`document.querySelectorAll('#latest tr').length === 4`)
	csv := b.saved("save-csv")
	if lines := strings.Split(csv, "\r\n"); len(lines) != 6 || lines[0] != "at,task_id,partition,offset,outcome,reason,text,seconds" || strings.Count(csv, "task_not_found") != 4 {
		t.Errorf("%q", csv)
	}
	for _, want := range []string{`"'=HYPERLINK(""x"")"`, `a ""quote"", a comma`} {
		if !strings.Contains(csv, want) {
			t.Errorf("%q is not in %q", want, csv)
		}
	}
	if n := b.number(`JSON.parse(` + fmt.Sprintf("%q", b.saved("save-json")) + `).latest.length`); n != 4 {
		t.Errorf("%v are in the JSON", n)
	}
	b.checkPage(url)
}

// saved presses one of the buttons that save the list and gives the file.
func (b *tab) saved(id string) string {
	b.t.Helper()
	_ = value[bool](b, `(() => { window.saved = ''; URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text }); return '#' }; HTMLAnchorElement.prototype.click = () => {}; document.getElementById('`+id+`').click(); return true })()`)
	b.until(`window.saved !== ''`)
	return value[string](b, `window.saved`)
}
