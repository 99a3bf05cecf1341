package kafkalog

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"remux-retrier/internal/clock"
)

const (
	// connIdle is how long a connection without requests stays open.
	connIdle = 10 * time.Second
	// slowAfter is how long a request counts as using its connection. A slower write waits
	// for a replica; the next ones to its partition will wait too, but other partitions
	// need not, so another connection may be opened. If nothing is answered, the broker may
	// have stopped, and at most one connection is added in that time.
	slowAfter = time.Second
)

// connPool is a few connections to one broker, for one kind of request. kafka-go's own pool
// opens a connection for each request in flight and hands out connections that the broker
// has muted because of a quota. A caller uses a connection in its own goroutine: handing the
// request to another one and the answer back would wake two threads.
//
// mu guards the fields below it. It is never held while waiting.
type connPool struct {
	client   *Client
	broker   int32
	maxConns int

	mu             sync.Mutex
	queue          []chan taken // callers without a connection
	free           []*pooledConn
	open           int       // connections
	slow           int       // connections with a slow request
	throttledUntil time.Time // until then the broker reads no request

	lastAnswer    time.Time
	lastExtraConn time.Time // when the last connection beyond maxConns was added
}

func newConnPool(l *Client, broker int32, maxConns int) *connPool {
	return &connPool{client: l, broker: broker, maxConns: maxConns}
}

// pooledConn is a connection of the pool. While it is not free, one caller uses it. The
// pool's mu guards the fields from freeSince on.
type pooledConn struct {
	*protocol.Conn
	versions map[protocol.ApiKey]int16
	end      chan error // an error sent here closes the connection

	freeSince time.Time   // valid while it is free
	began     time.Time   // when its request began; zero: it has none
	slow      bool        // the request is slow
	timer     *time.Timer // calls timeUp, for a free connection and for a request
}

func (n *connPool) newConn(conn *protocol.Conn, versions map[protocol.ApiKey]int16) *pooledConn {
	c := &pooledConn{Conn: conn, versions: versions, end: make(chan error, 1)}
	n.mu.Lock() // timeUp does not run before timer is set
	defer n.mu.Unlock()
	c.timer = time.AfterFunc(connIdle, func() { n.timeUp(c) })
	return c
}

// taken is what a caller in the queue gets.
type taken struct {
	conn *pooledConn
	err  error
}

// send waits for a request's answer. timeout starts when the request is sent. If ctx ends
// meanwhile, the request may have been sent.
func (n *connPool) send(ctx context.Context, timeout time.Duration, req protocol.Message) (protocol.Message, error) {
	c, err := n.take(ctx)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	throttled := time.Until(n.throttledUntil)
	n.mu.Unlock()
	if err := clock.System.Sleep(ctx, throttled); err != nil {
		n.putBack(c)
		return nil, err
	}
	n.begin(c)
	answer, whole, err := n.exchange(ctx, c, timeout, req)
	n.mu.Lock()
	n.ended(c)
	if err == nil {
		n.lastAnswer = time.Now()
		if held := throttle(answer); held > 0 {
			n.throttledUntil = n.lastAnswer.Add(held)
		}
	}
	n.mu.Unlock()
	if whole {
		n.putBack(c)
	} else {
		c.end <- err
	}
	return answer, err
}

// exchange sends a request on a connection and reads its answer. whole reports whether the
// connection can be used again.
func (n *connPool) exchange(ctx context.Context, c *pooledConn, timeout time.Duration, req protocol.Message) (answer protocol.Message, whole bool, err error) {
	if err := c.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(0, 0)) }) // a failed connection needs no deadline
	answer, err = n.client.exchange(c.Conn, c.versions, req)
	ended := !stop()
	if ended && err != nil {
		return nil, false, ctx.Err()
	}
	return answer, err == nil && !ended, err
}

// take waits for a connection.
func (n *connPool) take(ctx context.Context) (*pooledConn, error) {
	n.mu.Lock()
	if last := len(n.free) - 1; last >= 0 {
		c := n.free[last]
		n.free = n.free[:last]
		n.mu.Unlock()
		return c, nil
	}
	turn := make(chan taken, 1)
	n.queue = append(n.queue, turn)
	n.dispatch()
	n.mu.Unlock()
	select {
	case t := <-turn:
		return t.conn, t.err
	case <-ctx.Done():
	}
	n.mu.Lock()
	i := slices.Index(n.queue, turn)
	if i >= 0 {
		n.queue = slices.Delete(n.queue, i, i+1)
	}
	n.mu.Unlock()
	if i < 0 {
		if t := <-turn; t.conn != nil {
			n.putBack(t.conn)
		}
	}
	return nil, ctx.Err()
}

// putBack gives a connection to the next caller, or closes it if there are too many.
func (n *connPool) putBack(c *pooledConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.open-n.slow > n.maxConns:
		c.end <- errUnused
	case len(n.queue) > 0:
		n.queue[0] <- taken{conn: c}
		n.queue = slices.Delete(n.queue, 0, 1)
	default:
		c.freeSince = time.Now()
		n.free = append(n.free, c)
		c.timer.Reset(connIdle)
	}
}

// dispatch opens a connection for the queue if there may be one more. mu is held.
func (n *connPool) dispatch() {
	if len(n.queue) > 0 && n.open-n.slow < n.maxConns {
		n.open++
		go n.connect()
	}
}

// connect runs one connection from its start to its end.
func (n *connPool) connect() {
	// Atomic: once the client is closed, RoundTrip may return while serve still runs.
	var served atomic.Bool
	_, err := n.client.transport.RoundTrip(n.client.closed, n.client.addr, &brokerRequest{api: new(fetch.Request), broker: n.broker,
		serve: func(conn *protocol.Conn, versions map[protocol.ApiKey]int16) (protocol.Message, error) {
			served.Store(true)
			c := n.newConn(conn, versions)
			defer c.timer.Stop()
			n.putBack(c)
			select {
			case err := <-c.end:
				return nil, err
			case <-n.client.closed.Done():
				return nil, errUnused
			}
		},
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open--
	if !served.Load() && n.open == 0 {
		for _, turn := range n.queue {
			turn <- taken{err: err}
		}
		n.queue = nil
	}
	n.dispatch()
}

var errUnused = errors.New("the connection is no longer used")

// begin notes that a request starts on a connection.
func (n *connPool) begin(c *pooledConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c.began = time.Now()
	c.timer.Reset(slowAfter)
}

// timeUp closes a connection that is free for too long, and marks one whose request is
// slow. It may be called late: for a state that has ended since.
func (n *connPool) timeUp(c *pooledConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if i := slices.Index(n.free, c); i >= 0 {
		if now.Sub(c.freeSince) >= connIdle {
			n.free = slices.Delete(n.free, i, i+1)
			c.end <- errUnused
		}
		return
	}
	switch {
	case c.began.IsZero(), c.slow, now.Sub(c.began) < slowAfter:
	case n.lastAnswer.After(c.began), now.Sub(n.lastExtraConn) >= slowAfter:
		c.slow = true
		n.slow++
		n.lastExtraConn = now
		n.dispatch()
	default:
		c.timer.Reset(slowAfter)
	}
}

// ended notes that a connection's request has ended. mu is held.
func (n *connPool) ended(c *pooledConn) {
	c.began = time.Time{}
	c.timer.Stop()
	if c.slow {
		c.slow = false
		n.slow--
	}
}
