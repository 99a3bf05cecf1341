package kafkalog

import (
	"context"
	"errors"
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
// has muted because of a quota.
//
// mu guards the fields below it. It is never held while waiting.
type connPool struct {
	client   *Client
	broker   int32
	maxConns int

	mu    sync.Mutex
	queue []*exchange
	open  int           // connections
	free  int           // connections that wait for a request
	slow  int           // connections with a slow request
	wake  chan struct{} // wakes a free connection
	muted time.Time     // the broker reads nothing before

	answered, added time.Time // times of the last answer, and of the last connection beyond maxConns
}

func newConnPool(l *Client, broker int32, maxConns int) *connPool {
	return &connPool{client: l, broker: broker, maxConns: maxConns, wake: make(chan struct{}, 1)}
}

// exchange is a request with its result.
type exchange struct {
	req       protocol.Message
	timeout   time.Duration
	abandoned atomic.Bool // its caller no longer waits
	done      chan exchanged
}

type exchanged struct {
	answer protocol.Message
	err    error
}

// send waits for a request's answer. timeout starts when the request is sent.
func (n *connPool) send(ctx context.Context, timeout time.Duration, req protocol.Message) (protocol.Message, error) {
	x := &exchange{req: req, timeout: timeout, done: make(chan exchanged, 1)}
	n.mu.Lock()
	n.queue = append(n.queue, x)
	n.dispatch()
	n.mu.Unlock()
	select {
	case r := <-x.done:
		return r.answer, r.err
	case <-ctx.Done():
		x.abandoned.Store(true)
		return nil, ctx.Err()
	}
}

// dispatch makes sure that some connection takes what is queued. mu is held.
func (n *connPool) dispatch() {
	switch {
	case len(n.queue) == 0:
	case n.free > 0:
		select {
		case n.wake <- struct{}{}:
		default:
		}
	case n.open-n.slow < n.maxConns:
		n.open++
		go n.connect()
	}
}

// connect runs one connection from its start to its end.
func (n *connPool) connect() {
	// kafka-go no longer waits for serve once the client is closed.
	var served atomic.Bool
	_, err := n.client.transport.RoundTrip(n.client.closed, n.client.addr, &brokerRequest{api: new(fetch.Request), broker: n.broker,
		serve: func(conn *protocol.Conn, versions map[protocol.ApiKey]int16) (protocol.Message, error) {
			served.Store(true)
			return nil, n.serve(conn, versions)
		},
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open--
	if !served.Load() && n.open == 0 {
		for _, x := range n.queue {
			x.done <- exchanged{err: err}
		}
		n.queue = nil
	}
	n.dispatch()
}

var errUnused = errors.New("the connection is no longer used")

// serve sends requests until one fails, or none comes for connIdle.
func (n *connPool) serve(conn *protocol.Conn, versions map[protocol.ApiKey]int16) error {
	for {
		x, err := n.take()
		if err != nil {
			return err
		}
		if x.abandoned.Load() {
			continue
		}
		n.mu.Lock()
		watch := n.watch()
		n.mu.Unlock()
		var answer protocol.Message
		if err = conn.SetDeadline(time.Now().Add(x.timeout)); err == nil {
			answer, err = n.client.exchange(conn, versions, x.req)
		}
		n.mu.Lock()
		watch.end()
		if err == nil {
			n.answered = time.Now()
			if held := throttle(answer); held > 0 {
				n.muted = n.answered.Add(held)
			}
		}
		surplus := n.open-n.slow > n.maxConns
		n.mu.Unlock()
		x.done <- exchanged{answer, err}
		switch {
		case err != nil:
			return err
		case surplus:
			return errUnused
		}
	}
}

// watch marks a request that starts now as slow after a while. mu is held.
func (n *connPool) watch() *watch {
	w, began := &watch{pool: n}, time.Now()
	w.timer = time.AfterFunc(slowAfter, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		now := time.Now()
		switch {
		case w.ended:
		case n.answered.After(began), now.Sub(n.added) >= slowAfter:
			w.slow = true
			n.slow++
			n.added = now
			n.dispatch()
		default:
			w.timer.Reset(slowAfter)
		}
	})
	return w
}

// watch belongs to one request. The pool's mu guards it.
type watch struct {
	pool        *connPool
	timer       *time.Timer
	ended, slow bool
}

func (w *watch) end() {
	w.ended = true
	w.timer.Stop()
	if w.slow {
		w.pool.slow--
	}
}

// take waits for a request, and until the broker reads it.
func (n *connPool) take() (*exchange, error) {
	n.mu.Lock()
	if len(n.queue) == 0 {
		unused := time.NewTimer(connIdle)
		defer unused.Stop()
		for over := false; len(n.queue) == 0; {
			if over {
				n.mu.Unlock()
				return nil, errUnused
			}
			n.free++
			n.mu.Unlock()
			select {
			case <-n.wake:
			case <-unused.C:
				over = true
			case <-n.client.closed.Done():
				over = true
			}
			n.mu.Lock()
			n.free--
		}
	}
	x := n.queue[0]
	n.queue[0] = nil
	n.queue = n.queue[1:]
	n.dispatch()
	wait := time.Until(n.muted)
	n.mu.Unlock()
	_ = clock.System.Sleep(n.client.closed, wait)
	return x, nil
}
