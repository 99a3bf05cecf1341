package mpcclient

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// hangTimeout is for calls that must reach a server that then hangs: long enough on a busy
// machine.
const hangTimeout = 250 * time.Millisecond

// hangUp ends the connection with a reset and without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// hang keeps the connection open and silent until the client disconnects.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// hangInBody announces more bytes than it sends.
func hangInBody(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error_code":`)
		w.(http.Flusher).Flush()
		hang(w, r)
	}
}

// A retry that MPC may have accepted must be queried before another call.
func TestAnswersThatNeverCameAreLost(t *testing.T) {
	closeQuietly := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	}
	garbage := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH\r\n")
		_ = conn.Close()
	}
	for name, handler := range map[string]http.HandlerFunc{
		"reset": hangUp, "EOF": closeQuietly, "no HTTP": garbage, "hanging": hang,
		"hanging in a 200": hangInBody(200), "hanging in a 504": hangInBody(504),
		"hanging in a 303": hangInBody(303),
	} {
		t.Run(name, func(t *testing.T) {
			api := newRecorder(t, handler)
			c := newClient(t, api.URL, func(cfg *Config) { cfg.Timeout = hangTimeout })
			if e := failure(t, c.Retry(t.Context(), "1"), Lost); e.Advice != "" {
				t.Errorf("advice for a broken network: %q", e.Advice)
			}
			if n := len(api.seen()); n != 1 {
				t.Errorf("%d retries were sent", n)
			}
			_, err := c.Query(t.Context(), []string{"1"})
			failure(t, err, Transient)
		})
	}
}

// After a 101 the connection belongs to the caller, and reading it would outlast every
// timeout.
func TestSwitchedProtocolsAreLostAndDoNotHang(t *testing.T) {
	left := make(chan error, 1)
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_, err = conn.Read(make([]byte, 1)) // until the client disconnects
		_ = conn.Close()
		left <- err
	})
	if e := failure(t, newClient(t, api.URL).Retry(t.Context(), "1"), Lost); e.Advice == "" {
		t.Errorf("got %+v", *e)
	}
	if errors.Is(<-left, os.ErrDeadlineExceeded) {
		t.Error("the client waited beyond its timeout")
	}
}

func TestRefusalsWhoseBodyWasLostGoByTheirStatus(t *testing.T) {
	for status, want := range map[int]Class{403: Transient, 503: Transient, 429: Throttled, 500: Lost, 502: Lost, 504: Lost} {
		api := newRecorder(t, hangInBody(status))
		c := newClient(t, api.URL, func(cfg *Config) { cfg.Timeout = hangTimeout })
		e := failure(t, c.Retry(t.Context(), "1"), want)
		if e.Status != status || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("details are missing: %+v", *e)
		}
	}
}

func TestRequestsThatNeverLeftAreTransient(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused.Close()
	untrusted := httptest.NewUnstartedServer(answering(200, ""))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections in its backlog, and never completes a TLS handshake
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()

	for name, test := range map[string]struct {
		url, advice string
		timeout     time.Duration
	}{
		"refused port":   {"http://" + refused.Addr().String(), "", time.Minute},
		"unknown name":   {"https://mpc.nowhere.invalid", "", time.Second},
		"untrusted":      {untrusted.URL, "certificate", time.Minute},
		"TLS to plain":   {"https://" + strings.TrimPrefix(newRecorder(t, answering(200, "")).URL, "http://"), "", time.Minute},
		"hanging in TLS": {"https://" + silent.Addr().String(), "", hangTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, test.url, func(cfg *Config) { cfg.Timeout = test.timeout })
			e := failure(t, c.Retry(t.Context(), "1"), Transient)
			if e.Err == nil || !strings.Contains(e.Advice, test.advice) {
				t.Errorf("details are missing: %+v", *e)
			}
		})
	}
}

func TestUnknownHostIsSaidToTheOperator(t *testing.T) {
	if advice := networkAdvice(&net.OpError{Err: &net.DNSError{IsNotFound: true}}); !strings.Contains(advice, "endpoint") {
		t.Errorf("advice is %q", advice)
	}
}

func TestCancellingBeforeTheRequestLeavesIsTransientAndAfterIsLost(t *testing.T) {
	arrived := make(chan struct{})
	var answer atomic.Bool
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if answer.Load() {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
		}
		arrived <- struct{}{}
		hang(w, r)
	})
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Timeout = time.Minute })

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e := failure(t, c.Retry(ctx, "1"), Transient); !errors.Is(e, context.Canceled) {
		t.Errorf("the cause is hidden: %v", e)
	}
	if len(api.seen()) != 0 {
		t.Fatal("a cancelled call was sent")
	}

	for _, withHeaders := range []bool{false, true} {
		answer.Store(withHeaders)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-arrived
			cancel(errors.New("the generation has ended"))
		}()
		if e := failure(t, c.Retry(ctx, "1"), Lost); !errors.Is(e, context.Canceled) {
			t.Errorf("the cause is hidden: %v", e)
		}
	}
}

// net/http would repeat a GET by itself when a kept connection breaks: such requests would
// not be paced.
func TestBrokenConnectionsDoNotMultiplyQueries(t *testing.T) {
	var broken atomic.Bool
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			hangUp(w, r)
			return
		}
		answering(200, `{"total":0,"tasks":[]}`)(w, r)
	})
	c := newClient(t, api.URL)
	if _, err := c.Query(t.Context(), []string{"1"}); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	_, err := c.Query(t.Context(), []string{"1"})
	failure(t, err, Transient)
	if n := len(api.seen()); n != 2 {
		t.Errorf("2 queries became %d requests", n)
	}
}

// Nothing is known about a transport that is not net/http's, so the careful class is right.
func TestFailuresOfUnknownTransportsAreLost(t *testing.T) {
	c := newClient(t, "https://mpc.example.com", func(cfg *Config) { cfg.Transport = deaf{} })
	failure(t, c.Retry(t.Context(), "1"), Lost)
}

type deaf struct{}

func (deaf) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
