package page

import (
	"fmt"
	"net/http"
	"testing"

	"remux-retrier/events"
)

func TestOlderAnswersComePageByPage(t *testing.T) {
	s := newSource()
	for i := range 250 {
		reason := events.Accepted
		if i%50 == 0 {
			reason = events.Rejected
		}
		one := answeredStory(fmt.Sprint("task", i), reason)
		one.Number = uint64(i + 1)
		s.stories = append(s.stories, one)
	}
	p := newPage(t, s)
	var seen []Done
	query := "?outcome=retried"
	for {
		page := decode[Latest](t, get(p, "/api/latest"+query))
		seen = append(seen, page.Latest...)
		if !page.More {
			break
		}
		query = fmt.Sprintf("?outcome=retried&below=%d", seen[len(seen)-1].Number)
	}
	if len(seen) != 245 || seen[0].TaskID != "task249" || seen[244].TaskID != "task1" {
		t.Errorf("%d from %+v to %+v", len(seen), seen[0], seen[len(seen)-1])
	}
	if got := decode[Latest](t, get(p, "/api/latest?text=TASK10&below=200")); len(got.Latest) != 11 || got.More {
		t.Errorf("%d have the text: %+v", len(got.Latest), got)
	}
	if w := get(p, "/api/latest?below=-1"); w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
