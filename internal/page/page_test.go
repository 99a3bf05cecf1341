package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/clock"
)

func TestThePageIsThereWithAllItsPartsAndLoadsNothingElse(t *testing.T) {
	p := newPage(t, newSource())
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8", "/app.js": "text/javascript; charset=utf-8",
		"/story.js": "text/javascript; charset=utf-8", "/icon.svg": "image/svg+xml",
	} {
		w := get(p, path)
		if w.Code != 200 || w.Header().Get("Content-Type") != kind || w.Header().Get("Content-Security-Policy") != policy {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
		again := httptest.NewRequest("GET", path, nil)
		again.Header.Set("If-None-Match", w.Header().Get("ETag"))
		same := httptest.NewRecorder()
		p.ServeHTTP(same, again)
		if same.Code != http.StatusNotModified || same.Body.Len() != 0 {
			t.Errorf("%s is sent again though it is known: %d", path, same.Code)
		}
	}
	for name, f := range p.files {
		text := string(f.content)
		for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", "onclick=", "https://", `href="/`, `src="/`, "'/api", "`/api"} {
			if strings.Contains(text, never) {
				t.Errorf("%s has %s", name, never)
			}
		}
	}
}

func TestNothingCanBeChangedAndNothingElseIsThere(t *testing.T) {
	p := newPage(t, newSource())
	for _, path := range []string{"/", "/app.js", "/api/status", "/api/history", "/api/latest", "/api/events", "/api/tasks/538526"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
			w := httptest.NewRecorder()
			p.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("{}")))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest("HEAD", path, nil))
		if w.Code != 200 {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/index.html", "/static/app.js", "/page.go", "/api", "/api/", "/api/status/", "/api/tasks", "/..%2fapp.js", "/%2e%2e/app.js", "//app.js"} {
		if w := get(p, path); w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), `{"error":"not found`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAnIDIsTakenByteForByteWhateverItLooksLike(t *testing.T) {
	for _, id := range []string{
		"538526", "<script>alert(1)</script>", "../../etc/passwd", "a/b", "..", "%2e%2e", "a?b=c#d", "ключ", "\u202egpj", `"},{"`, strings.Repeat("x", 128),
	} {
		s := newSource()
		p := newPage(t, s)
		w := get(p, "/api/tasks/"+url.PathEscape(id)+"?topics=false")
		same := get(p, "/api/tasks/?topics=false&id="+url.QueryEscape(id))
		if got := decode[Task](t, w); got.TaskID != id || got.Verdict.Code != notKnownHere || same.Body.String() != w.Body.String() {
			t.Errorf("%q: %+v, in the query: %s", id, got, same.Body)
		}
		if !slices.Equal(s.asked, []string{id, id}) {
			t.Errorf("%q: asked for %q", id, s.asked)
		}
		if strings.ContainsAny(w.Body.String(), "<>") || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: a browser that guesses types could take it for markup: %s", id, w.Body)
		}
	}
}

func TestWhatCannotBeAnIDIsRefusedWithoutAsking(t *testing.T) {
	for _, path := range []string{"", "%20", "a%20b", "a%0ab", "%00", "%ff", strings.Repeat("x", 129), strings.Repeat("%c3%a4", 65), strings.Repeat("x", 10<<20),
		"?id=", "?id=a+b", "?id=%zz", "?id=" + strings.Repeat("x", 129), "?topics=false"} {
		s := newSource()
		w := get(newPage(t, s), "/api/tasks/"+path)
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), `{"error":"this cannot be a task's id: `) || w.Body.Len() > 400 {
			t.Errorf("%.50q: %d %.400s", path, w.Code, w.Body)
		}
		if len(s.asked) > 0 {
			t.Errorf("%.50q was asked for", path)
		}
	}
}

func TestDocumentsAreThoseOfTheLastSnapshot(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	if got := decode[Status](t, get(p, "/api/status")); got.Instance != "retrier-0" || got.State.Name != Starting || !got.At.Equal(noon) {
		t.Errorf("%+v", got)
	}
	s.change(func() { s.stories = append(s.stories, answeredStory("538526", "accepted")) })
	pass(t, p, s)
	if got := decode[Latest](t, get(p, "/api/latest")); len(got.Latest) != 1 || got.Latest[0].TaskID != "538526" || got.Latest[0].Outcome != "retried" {
		t.Errorf("%+v", got)
	}
	for path, want := range map[string]string{"/api/history": `"retried":[]`, "/api/status": `"outcomes":[]`} {
		if w := get(p, path); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: an empty list is not [], for those who read it: %s", path, w.Body)
		}
	}
}

func TestAStateLastsSinceItBegan(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	for range 5 {
		pass(t, p, s)
	}
	if got := p.present.Load().State; !got.Since.Equal(noon) {
		t.Errorf("since %v", got.Since)
	}
	s.change(func() { s.status.Kafka.Problem = "dial tcp: refused" })
	if got := pass(t, p, s).State; got.Name != KafkaAway || !got.Since.Equal(noon.Add(6*refresh)) {
		t.Errorf("%+v", got)
	}
}

// A failed snapshot must not be the last one.
func TestThePageGoesOnAfterASnapshotThatFailed(t *testing.T) {
	s := newSource()
	logged, hook := test.NewNullLogger()
	ticks := make(chan struct{})
	p, err := New(Config{Source: s, Clock: steps{sourceClock{clock.System, s}, ticks}, Logger: logged})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { p.Run(ctx); close(ended) }()
	twoSnapshots := func() {
		for range 2 { // when the second begins, the first is over
			select {
			case ticks <- struct{}{}:
			case <-ended:
				t.Fatal("the snapshots have stopped")
			}
		}
	}
	s.change(func() { s.broken = errors.New("read the counters: duplicate") })
	twoSnapshots()
	twoSnapshots()
	s.change(func() { s.broken, s.status.Instance = nil, "retrier-7" })
	twoSnapshots()
	if got := decode[Status](t, get(p, "/api/status")); got.Instance != "retrier-7" {
		t.Errorf("still of %s", got.Instance)
	}
	if n := len(hook.AllEntries()); n != 1 {
		t.Errorf("said %d times", n)
	}
	cancel()
	<-ended
}

// steps is a clock whose sleeps end at the next tick.
type steps struct {
	sourceClock
	ticks chan struct{}
}

func (c steps) Sleep(ctx context.Context, _ time.Duration) error {
	select {
	case <-c.ticks:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func BenchmarkSnapshot(b *testing.B) {
	s := newSource()
	for i := range 500 {
		s.stories = append(s.stories, answeredStory(fmt.Sprint(i), "accepted"))
	}
	p, err := New(Config{Source: s, Clock: sourceClock{nil, s}, Logger: nullLogger()})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := p.snapshot(); err != nil {
			b.Fatal(err)
		}
		if err := p.putLatest(); err != nil {
			b.Fatal(err)
		}
	}
}
