package mpcclient

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// renamed returns a client whose host name leads to an address that the test sets.
func renamed(t *testing.T, change ...func(*Config)) (*Client, *atomic.Pointer[string]) {
	var address atomic.Pointer[string]
	transport := newTransport(64)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, *address.Load())
	}
	return newClient(t, "http://localhost:1", append(change, func(cfg *Config) { cfg.Transport = transport })...), &address
}

// twoConnections leaves the client with two idle connections.
func twoConnections(t *testing.T, c *Client, both *sync.WaitGroup) {
	t.Helper()
	both.Add(2)
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() {
			if err := c.Retry(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}

// An outage ends when the name leads to another node, even if connections to the old one
// are still open.
func TestNextRequestResolvesTheNameAnewOnceAnAnswerWasLost(t *testing.T) {
	for name, fail := range map[string]http.HandlerFunc{
		"502": answering(502, ""), "500": answering(500, ""), "reset": hangUp, "hanging": hang,
		"no proof": answering(200, "<html>"), "503": answering(503, ""),
	} {
		t.Run(name, func(t *testing.T) {
			var both sync.WaitGroup
			var broken atomic.Bool
			old := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
				if broken.Load() {
					fail(w, r)
					return
				}
				both.Done()
				both.Wait()
			})
			healthy := newRecorder(t, answering(200, ""))
			c, address := renamed(t, func(cfg *Config) { cfg.Timeout = hangTimeout })
			at := old.Listener.Addr().String()
			address.Store(&at)
			twoConnections(t, c, &both)
			broken.Store(true)
			now := healthy.Listener.Addr().String()
			address.Store(&now)
			if name == "503" { // proves that nothing was executed, and may be one of many: the breaker decides
				failure(t, c.Retry(t.Context(), "1"), Transient)
				c.CloseIdle()
			} else {
				failure(t, c.Retry(t.Context(), "1"), Lost)
			}
			if err := c.Retry(t.Context(), "1"); err != nil {
				t.Errorf("the next call still went to the old node: %v", err)
			}
		})
	}
}

// resetting answers the first request of each connection and resets reused ones.
type resetting struct {
	*recorder
	mild    atomic.Bool // keeps connections
	seenOn  sync.Map
	dialled atomic.Int64
}

func newResetting(t *testing.T) *resetting {
	s := &resetting{}
	s.recorder = newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		_, again := s.seenOn.LoadOrStore(r.RemoteAddr, true)
		if !again {
			s.dialled.Add(1)
		}
		if again && !s.mild.Load() {
			hangUp(w, r)
			return
		}
		answering(200, `{"total":0,"tasks":[]}`)(w, r)
	})
	return s
}

func TestWhereEachReusedConnectionIsResetFewCallsAreLost(t *testing.T) {
	s, clock := newResetting(t), newClock()
	c := newClient(t, s.URL, func(cfg *Config) { cfg.Now = clock.Now })
	calls := func(n, workers int) (lost int64) {
		var broken atomic.Int64
		var group sync.WaitGroup
		for range workers {
			group.Go(func() {
				for range n / workers {
					var e *Error
					if err := c.Retry(t.Context(), "1"); errors.As(err, &e) && e.Class == Lost {
						broken.Add(1)
					} else if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		return broken.Load()
	}
	if lost := calls(400, 8); lost > 16 {
		t.Errorf("%d of 400 calls were lost", lost)
	}
	if lost := calls(100, 8); lost > 0 {
		t.Errorf("%d of 100 further calls were lost", lost)
	}
	// Single requests test it now and then.
	clock.advance(time.Minute)
	if lost := calls(100, 8); lost != 1 {
		t.Errorf("a trial lost %d of 100 calls", lost)
	}
	clock.advance(time.Minute)
	if lost := calls(100, 8); lost != 0 {
		t.Errorf("the next trial came too early: %d lost", lost)
	}
	s.mild.Store(true)
	clock.advance(time.Minute)
	calls(20, 1)
	before := s.dialled.Load()
	if lost := calls(100, 1); lost != 0 || s.dialled.Load() != before {
		t.Errorf("connections hold again, but %d calls were lost and %d connections opened", lost, s.dialled.Load()-before)
	}
}

// A restarted server, or a firewall rule for idle connections, is no reason to open a
// connection for each call.
func TestSingleResetDoesNotEndReuse(t *testing.T) {
	s := newResetting(t)
	s.mild.Store(true)
	c := newClient(t, s.URL)
	for i := range 100 {
		s.mild.Store(i%20 != 10)
		_ = c.Retry(t.Context(), "1")
	}
	if n := s.dialled.Load(); n > 10 {
		t.Errorf("100 calls opened %d connections", n)
	}
}

// stingy is a connection that accepts not a single byte once it is broken.
type stingy struct {
	net.Conn
	broken *atomic.Bool
}

func (s stingy) Write(p []byte) (int, error) {
	if s.broken.Load() {
		return 0, net.ErrClosed
	}
	return s.Conn.Write(p)
}

// net/http itself proves that nothing was sent and uses another connection; the call is not
// lost.
func TestCallOnAConnectionThatBrokeBeforeTheRequestIsNotLost(t *testing.T) {
	api := newRecorder(t, answering(200, ""))
	var broken, dead atomic.Bool
	var dialled int
	transport := newTransport(64)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if dead.Load() {
			return nil, errors.New("the network is down")
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if dialled++; dialled > 1 || err != nil {
			return conn, err
		}
		return stingy{conn, &broken}, nil
	}
	for _, down := range []bool{false, true} {
		dialled = 0
		broken.Store(false)
		dead.Store(false)
		c := newClient(t, api.URL, func(cfg *Config) { cfg.Transport = transport })
		if err := c.Retry(t.Context(), "1"); err != nil {
			t.Fatal(err)
		}
		sent := len(api.seen())
		broken.Store(true)
		dead.Store(down)
		err := c.Retry(t.Context(), "2")
		if down {
			failure(t, err, Transient)
		} else if err != nil || len(api.seen()) != sent+1 {
			t.Errorf("%d requests came, and the call ended with: %v", len(api.seen())-sent, err)
		}
		c.Close()
	}
}

// writes counts the writes to a connection.
type writes struct {
	net.Conn
	n *atomic.Int32
}

func (w writes) Write(p []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(p)
}

// Each write costs a system call, a packet and a TLS record.
func TestHeadersAndBodyAreOneWrite(t *testing.T) {
	api := newRecorder(t, answering(200, ""))
	var n atomic.Int32
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return writes{conn, &n}, err
	}}
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Transport = transport })
	defer c.Close()
	if err := c.Retry(t.Context(), "1"); err != nil || n.Load() != 1 {
		t.Errorf("%d writes, %v", n.Load(), err)
	}
}

// A connection that comes too late must not carry the request, or the proof would be wrong.
func TestRequestWhoseCallerHasGoneIsNeverSent(t *testing.T) {
	api := newRecorder(t, answering(200, ""))
	dialling, late := make(chan struct{}), make(chan struct{})
	var n atomic.Int32
	var once sync.Once
	transport := &http.Transport{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		once.Do(func() { close(dialling) })
		<-late
		conn, err := net.Dial(network, addr)
		return writes{conn, &n}, err
	}}
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Transport = transport })
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-dialling
		cancel()
	}()
	failure(t, c.Retry(ctx, "1"), Transient)
	close(late)
	// The next request uses that connection.
	if err := c.Retry(t.Context(), "2"); err != nil || n.Load() != 1 || len(api.seen()) != 1 {
		t.Errorf("%d requests were written, %v", n.Load(), err)
	}
}

// A failing IAM node would be asked again for ever: the pauses are shorter than a
// connection is kept.
func TestEachLoginAfterARefusedOneResolvesTheNameAnew(t *testing.T) {
	for _, status := range []int{503, 403, 429} {
		iam := newFakeIAM(t)
		iam.failing(answering(status, ""))
		a := iam.auth(t)
		for range 3 {
			if _, err := a.token(t.Context()); err == nil {
				t.Fatal("no failure")
			}
			iam.clock.advance(time.Minute)
		}
		connections := map[string]bool{}
		for _, r := range iam.seen() {
			connections[r.remote] = true
		}
		if len(iam.seen()) != 3 || len(connections) != 3 {
			t.Errorf("%d: %d logins over %d connections", status, len(iam.seen()), len(connections))
		}
	}
}
