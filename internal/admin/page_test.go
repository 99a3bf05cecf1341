package admin

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// echo is a page that tells which path it was asked for.
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

// A web page elsewhere may give its own name our address, and would count as the
// same origin.
func TestOnTheLoopbackInterfaceThePageAnswersToItsNamesAlone(t *testing.T) {
	s := handler(t, Config{Page: echo})
	everywhere := handler(t, Config{Page: echo})
	everywhere.listener = elsewhere{everywhere.listener}
	for host, own := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "127.0.0.1": true, "127.0.0.1:8080": true, "127.9.9.9:1": true, "[::1]:8080": true, "[::1]": true,
		"evil.example": false, "evil.example:8080": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "": false,
	} {
		for path, want := range map[string]bool{"/": own, "/api/status": own, "/healthz": true, "/metrics": true} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if (w.Code == http.StatusOK) != want || !want && w.Code != http.StatusMisdirectedRequest {
				t.Errorf("%q %s: %d", host, path, w.Code)
			}
			w = httptest.NewRecorder()
			everywhere.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("%q %s where others may ask: %d", host, path, w.Code)
			}
		}
	}
}

// elsewhere listens for others too.
type elsewhere struct{ net.Listener }

func (elsewhere) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 8080} }

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
		_, _ = io.WriteString(conn, "GET /api/tasks/") // the server stops reading: whatever comes of it
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
