package page

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// streaming serves the page on a real connection. The server's timeouts would end a usual
// answer long before the test does.
func streaming(t *testing.T, p *Page) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(p)
	server.Config.WriteTimeout = 50 * time.Millisecond
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// stream opens a stream; next returns the name and data of the next event.
func stream(t *testing.T, ctx context.Context, url string) (next func() (name, data string)) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, "GET", url+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Last-Event-ID", "of another life")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close(); http.DefaultClient.CloseIdleConnections() })
	if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	lines := bufio.NewReader(answer.Body)
	return func() (name, data string) {
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return "end", err.Error()
			}
			switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); {
			case key == "event":
				name = value
			case key == "data":
				data = value
			case line == "\n" && name != "":
				return name, data
			}
		}
	}
}

func TestAStreamBeginsWithEverythingAndGoesOnWithWhatChanges(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	server := streaming(t, p)
	next := stream(t, t.Context(), server.URL)
	for _, want := range eventNames {
		if name, _ := next(); name != want {
			t.Fatalf("%s, want %s", name, want)
		}
	}
	time.Sleep(2 * server.Config.WriteTimeout) // the stream must outlast it
	s.change(func() { s.stories = append(s.stories, answeredStory("<b>538526</b>", "accepted")) })
	pass(t, p, s)
	if name, data := next(); name != "status" || !strings.Contains(data, `"at":"2026-11-23T12:00:01Z"`) {
		t.Errorf("%s %s", name, data)
	}
	if name, data := next(); name != "latest" || !strings.Contains(data, `"task_id":"\u003cb\u003e538526`) {
		t.Errorf("%s %s", name, data)
	}
	for range 2 {
		pass(t, p, s)
		if name, _ := next(); name != "status" {
			t.Errorf("%s is sent though it has not changed", name)
		}
	}
}

func TestHundredsOfStreamsAreOneComputationAndTheNextIsToldToComeLater(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	var open, running sync.WaitGroup
	for range maxStreams {
		open.Add(1)
		running.Go(func() {
			w := &counted{ResponseRecorder: httptest.NewRecorder(), first: open.Done}
			p.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/events", nil))
		})
	}
	open.Wait()
	w := get(p, "/api/events")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	before := time.Now()
	pass(t, p, s)
	if took := time.Since(before); took > time.Second {
		t.Errorf("a snapshot takes %v with %d streams", took, maxStreams)
	}
	cancel()
	running.Wait()
	if n := p.streams.Load(); n != 0 {
		t.Errorf("%d streams are still counted", n)
	}
}

// counted is an answer that signals its first byte.
type counted struct {
	*httptest.ResponseRecorder
	once  sync.Once
	first func()
}

func (c *counted) SetWriteDeadline(time.Time) error { return nil }

func (c *counted) Write(b []byte) (int, error) {
	c.once.Do(c.first)
	return len(b), nil
}

func TestASlowClientIsDroppedAndDelaysNoOther(t *testing.T) {
	s := newSource()
	s.status.Notes = []string{strings.Repeat("x", 1<<20)} // fills the socket's buffers quickly
	p := newPage(t, s)
	p.readWithin = 100 * time.Millisecond
	server := streaming(t, p)
	slow, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	if _, err := io.WriteString(slow, "GET /api/events HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	next := stream(t, t.Context(), server.URL)
	for p.streams.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	deadline := time.Now().Add(20 * time.Second)
	for p.streams.Load() == 2 {
		before := time.Now()
		pass(t, p, s)
		if took := time.Since(before); took > 2*time.Second {
			t.Fatalf("a snapshot takes %v", took)
		}
		if name, data := next(); name == "end" {
			t.Fatal(data)
		}
		if time.Now().After(deadline) {
			t.Fatal("who does not read is still there")
		}
	}
}

func TestAStreamEndsWithItsClient(t *testing.T) {
	p := newPage(t, newSource())
	server := streaming(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	next := stream(t, ctx, server.URL)
	next()
	cancel()
	for p.streams.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
}
