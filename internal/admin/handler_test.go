package admin

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
)

func handler(t *testing.T, c Config) *Server {
	t.Helper()
	c.Addr = "127.0.0.1:0"
	c.Log, _ = test.NewNullLogger()
	if c.Loops == nil {
		c.Loops = NewLoops(newManual())
	}
	c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func ask(s *Server, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader("a body that is not read"))
	r.Host = "localhost"
	s.ServeHTTP(w, r)
	return w
}

func TestHealthzNamesTheLoopThatHangs(t *testing.T) {
	c := newManual()
	loops := NewLoops(c)
	s := handler(t, Config{Loops: loops, Checks: []Check{{"brokers", func() (bool, string) { return false, "unreachable" }}}})
	loop := loops.Loop("commit", time.Second)
	if w := ask(s, "GET", "/healthz"); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("waiting for brokers is health: %d %q", w.Code, w.Body)
	}
	c.advance(time.Minute)
	if w := ask(s, "GET", "/healthz"); w.Code != 503 || !strings.Contains(w.Body.String(), "commit has not moved for 1m0s") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	loop.Beat()
	if w := ask(s, "GET", "/healthz"); w.Code != 200 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestReadyzNamesEachCheckThatFails(t *testing.T) {
	joined := false
	s := handler(t, Config{
		Instance: "retrier-0",
		Checks: []Check{
			{"group", func() (bool, string) {
				return joined, map[bool]string{true: "8 partitions", false: "not joined yet"}[joined]
			}},
			{"brokers", func() (bool, string) { return true, "" }},
		},
		Notes: func() []string { return []string{"the state query is not permitted: grant mpc:remuxTsk:view"} },
	})
	w := ask(s, "GET", "/readyz")
	want := `{"ready":false,"instance":"retrier-0","checks":[{"name":"group","ok":false,"detail":"not joined yet"},` +
		`{"name":"brokers","ok":true,"detail":""}],"notes":["the state query is not permitted: grant mpc:remuxTsk:view"]}` + "\n"
	if w.Code != 503 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%d %s\nwant %s", w.Code, w.Body, want)
	}
	joined = true
	if w := ask(s, "GET", "/readyz"); w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"ready":true,`) {
		t.Errorf("notes must not make it unready: %d %s", w.Code, w.Body)
	}
}

func TestReadyzWithoutChecksHasListsAndNoNulls(t *testing.T) {
	w := ask(handler(t, Config{}), "GET", "/readyz")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"ready": true, "instance": "", "checks": []any{}, "notes": []any{}}
	if w.Code != 200 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %v", w.Code, got)
	}
}

func TestNothingButGetAndHeadOnKnownPaths(t *testing.T) {
	s := handler(t, Config{})
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if w := ask(s, method, path); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		if w := ask(s, "HEAD", path); w.Code != 200 {
			t.Errorf("HEAD %s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/", "/healthz/", "/healthz/x", "//healthz", "/HEALTHZ", "/metrics/", "/debug/pprof/"} {
		for _, method := range []string{"GET", "POST"} {
			if w := ask(s, method, path); w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	s := handler(t, Config{})
	for _, request := range [][2]string{{"GET", "/healthz"}, {"GET", "/readyz"}, {"GET", "/metrics"}, {"POST", "/healthz"}, {"GET", "/nowhere"}} {
		h := ask(s, request[0], request[1]).Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "X-Frame-Options": "DENY",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%v: %s is %q", request, name, got)
			}
		}
	}
}
