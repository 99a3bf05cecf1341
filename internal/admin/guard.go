package admin

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

// Limits for all clients together: about 20 MB of memory and a tenth of a CPU.
const (
	// maxConns bounds open connections; each takes at most 40 KB, headers included.
	maxConns = 512
	// Requests except health checks: 100 a second, after a burst of 100.
	requestEvery = 10 * time.Millisecond
	requestBurst = time.Second
	// longestWait is how long a request may have to wait. One that would have to wait
	// longer is refused after that time, so that repeating it at once gains nothing.
	longestWait = time.Second
)

// throttle spaces requests by requestEvery.
type throttle struct {
	mu   sync.Mutex
	next time.Time
}

// take returns how long a request must wait, and whether it is served then.
func (t *throttle) take(now time.Time) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if earliest := now.Add(-requestBurst); t.next.Before(earliest) {
		t.next = earliest
	}
	wait = t.next.Sub(now)
	if wait > longestWait {
		return longestWait, false
	}
	t.next = t.next.Add(requestEvery)
	return max(wait, 0), true
}

// pass waits until the request may be served; false: it was refused or cancelled.
func (t *throttle) pass(w http.ResponseWriter, r *http.Request) bool {
	wait, ok := t.take(time.Now())
	if clock.System.Sleep(r.Context(), wait) != nil {
		return false
	}
	if !ok {
		w.Header().Set("Retry-After", "1")
		text(w, http.StatusServiceUnavailable, "too many requests: try again in a second")
	}
	return ok
}

// Connections bounds open connections to 512. A new one, such as a probe's, is always
// accepted: for it the connection that has been idle for longest is closed, or, if none is
// idle, the one that has been busy for longest.
// The zero value is ready to use. It is safe for concurrent use.
type Connections struct {
	mu   sync.Mutex
	seq  uint64
	open map[net.Conn]connection
}

type connection struct {
	seq  uint64 // of the last change
	busy bool
}

// Changed is for http.Server's ConnState.
func (c *Connections) Changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(c.open, conn)
		return
	}
	if c.open == nil {
		c.open = map[net.Conn]connection{}
	}
	c.seq++
	c.open[conn] = connection{c.seq, state == http.StateActive}
	if state != http.StateNew || len(c.open) <= maxConns {
		return
	}
	var victim net.Conn
	for other, o := range c.open {
		if v := c.open[victim]; other != conn && (victim == nil || !o.busy && v.busy || o.busy == v.busy && o.seq < v.seq) {
			victim = other
		}
	}
	delete(c.open, victim)
	if secured, ok := victim.(*tls.Conn); ok {
		victim = secured.NetConn() // TLS would first write an alert, and wait for a client that does not read
	}
	_ = victim.Close() // its goroutine notices
}
