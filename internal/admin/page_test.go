package admin

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// echo is a page that answers with the requested path.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.EscapedPath())) })

func TestEverythingElseIsThePages(t *testing.T) {
	s := handler(t, Config{Page: echo})
	for path, want := range map[string]string{"/": "/", "/api/tasks/..%2fmetrics": "/api/tasks/..%2fmetrics", "/healthz": "ok\n", "/metrics": "up 1\n"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost:8080"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Body.String() != want || w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %q %v", path, w.Body, w.Header())
		}
	}
}

// A proxy may serve the page below a path, and may remove that path or not.
func TestThePageIsAlsoBelowThePrefix(t *testing.T) {
	s := handler(t, Config{Page: echo, PathPrefix: "/ops/retrier"})
	for path, want := range map[string]string{
		"/ops/retrier/": "/", "/": "/", "/ops/retrier/api/tasks/..%2fmetrics": "/api/tasks/..%2fmetrics", "/ops/retrier/api/tasks/a%20b": "/api/tasks/a%20b",
		"/ops/retrier/healthz": "ok\n", "/healthz": "ok\n", "/ops/retrier/metrics": "up 1\n",
		"/ops/retrier2": "/ops/retrier2", "/ops%2fretrier/": "/ops%2fretrier/", "/ops/": "/ops/",
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "localhost:8080"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Body.String() != want || w.Code != http.StatusOK {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("GET", "/ops/retrier", nil)
	r.Host = "localhost:8080"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "/ops/retrier/" {
		t.Errorf("%d, to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestAStreamDoesNotOutlastTheServer(t *testing.T) {
	streaming := make(chan struct{})
	addr, stop := start(t, Config{Page: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		close(streaming)
		<-r.Context().Done()
		if r.Context().Err() != context.Canceled {
			t.Error(r.Context().Err())
		}
	})})
	conn := dial(t, addr)
	send(t, conn, "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-streaming
	before := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(before); took >= stopGrace {
		t.Errorf("the stop waited %v for a stream", took)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Error(err)
	}
}

func TestAnIDOfTenMegabytesIsNotEvenRead(t *testing.T) {
	asked := false
	addr, stop := start(t, Config{Page: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true })})
	conn := dial(t, addr)
	go func() {
		_, _ = io.WriteString(conn, "GET /api/tasks/") // the server stops reading; the result does not matter
		x := make([]byte, 1<<20)
		for i := range x {
			x[i] = 'x'
		}
		for range 10 {
			if _, err := conn.Write(x); err != nil {
				return
			}
		}
	}()
	if status, _ := receive(t, conn); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d", status)
	}
	if err := stop(); err != nil || asked {
		t.Errorf("%v, asked: %v", err, asked)
	}
}
