package admin

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
)

// start runs a server and returns its address and a function that stops it.
func start(t *testing.T, c Config) (addr string, stop func() error) {
	t.Helper()
	c.Addr = "127.0.0.1:0"
	c.Loops, c.Metrics = NewLoops(newManual()), http.NotFoundHandler()
	if c.Log == nil {
		c.Log, _ = test.NewNullLogger()
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return s.Addr(), func() error {
		cancel()
		return <-ended
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

const readyz, healthz = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, conn net.Conn) (status int, body string) {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func TestAddressInUseIsAnErrorAtStartNamingHTTP_ADDR(t *testing.T) {
	addr, stop := start(t, Config{})
	log, _ := test.NewNullLogger()
	_, err := New(Config{Addr: addr, Loops: NewLoops(newManual()), Metrics: http.NotFoundHandler(), Log: log})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "HTTP_ADDR") || !strings.Contains(err.Error(), addr) {
		t.Errorf("%v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServesUntilStoppedAndGivesTheAddressBack(t *testing.T) {
	addr, stop := start(t, Config{})
	conn := dial(t, addr)
	for range 2 { // the connection stays open between requests
		send(t, conn, healthz)
		if status, body := receive(t, conn); status != 200 || body != "ok\n" {
			t.Fatalf("%d %q", status, body)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	_ = listener.Close()
}

func TestAnswerUnderWayIsFinishedOnStop(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	addr, stop := start(t, Config{Checks: []Check{{"slow", func() (bool, string) {
		close(asked)
		<-answer
		return true, ""
	}}}})
	conn := dial(t, addr)
	send(t, conn, readyz)
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for { // the listener is closed: stopping has begun
		probe, err := net.Dial("tcp", addr)
		if err != nil {
			break
		}
		_ = probe.Close()
	}
	close(answer)
	if status, body := receive(t, conn); status != 200 {
		t.Errorf("%d %q", status, body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestClientThatNeverFinishesItsRequestDoesNotHoldTheStop(t *testing.T) {
	addr, stop := start(t, Config{})
	conn := dial(t, addr)
	send(t, conn, "GET /healthz HTTP/1.1\r\n")
	if err := stop(); err != nil {
		t.Error(err)
	}
	// Long before the timeout that would close it anyway.
	if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection is not closed: %v", err)
	}
}

// net.Listen takes an empty address for all of the machine's.
func TestAnEmptyAddressIsAnError(t *testing.T) {
	log, _ := test.NewNullLogger()
	s, err := New(Config{Loops: NewLoops(newManual()), Metrics: http.NotFoundHandler(), Log: log})
	if err == nil {
		t.Errorf("it listens on %s", s.Addr())
		_ = s.Close()
	}
}

func TestStopBeforeTheFirstRequest(t *testing.T) {
	log, _ := test.NewNullLogger()
	s, err := New(Config{Addr: "127.0.0.1:0", Loops: NewLoops(newManual()), Metrics: http.NotFoundHandler(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestListenerThatFailsIsAnError(t *testing.T) {
	log, _ := test.NewNullLogger()
	s, err := New(Config{Addr: "127.0.0.1:0", Loops: NewLoops(newManual()), Metrics: http.NotFoundHandler(), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestPanicInACheckIsLoggedAndEndsNothing(t *testing.T) {
	log, hook := test.NewNullLogger()
	first := true
	addr, stop := start(t, Config{Log: log, Checks: []Check{{"broken", func() (bool, string) {
		if first {
			first = false
			panic("a bug")
		}
		return true, ""
	}}}})
	conn := dial(t, addr)
	send(t, conn, readyz)
	if rest, err := io.ReadAll(conn); err != nil || len(rest) != 0 {
		t.Errorf("%q %v", rest, err)
	}
	conn = dial(t, addr)
	send(t, conn, readyz)
	if status, body := receive(t, conn); status != 200 {
		t.Errorf("%d %q", status, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if entry := hook.LastEntry(); entry == nil || !strings.Contains(entry.Message, "a bug") {
		t.Errorf("%+v", entry)
	}
}
