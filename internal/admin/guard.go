package admin

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

// What clients may take of the process, however many they are. All of it together
// is some 20 MB, and a tenth of a CPU or so.
const (
	// maxConns are open at once; each takes 40 KB at most, headers included.
	maxConns = 512
	// Requests but for health: 100 a second, after as many at once.
	requestEvery = 10 * time.Millisecond
	requestBurst = time.Second
	// longestWait is how long a request that comes too soon waits; beyond that it is
	// refused, after the same wait: whoever asks again at once gains nothing.
	longestWait = time.Second
)

// throttle gives requests their turns, one each requestEvery.
type throttle struct {
	mu   sync.Mutex
	next time.Time
}

// take says how long to wait, and whether the request may go on then.
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

// pass waits for the request's turn; false: it has been refused, or has gone.
func (t *throttle) pass(w http.ResponseWriter, r *http.Request) bool {
	wait, ok := t.take(time.Now())
	if clock.System.Sleep(r.Context(), wait) != nil {
		return false
	}
	if !ok {
		w.Header().Set("Retry-After", "1")
		text(w, http.StatusServiceUnavailable, "too many requests: ask again in a second")
	}
	return ok
}

// Connections bounds how many are open: 512. There is always room for one more, such
// as a probe's: the one that has been silent for longest has to go, or else the
// oldest. The zero value is ready. Safe for concurrent use.
type Connections struct {
	mu   sync.Mutex
	seq  uint64
	open map[net.Conn]connection
}

type connection struct {
	seq  uint64 // of the last change
	busy bool
}

// Changed is http.Server's ConnState.
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
		victim = secured.NetConn() // TLS would take leave first, and wait for who does not read
	}
	_ = victim.Close() // its own goroutine notices
}
