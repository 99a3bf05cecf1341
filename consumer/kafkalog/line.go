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
	// lineIdle is how long a connection without requests is kept.
	lineIdle = 10 * time.Second
	// slow is after how long a request no longer counts among those that keep a
	// line busy: a write waits for a replica then, as its partition's next ones
	// will, and other partitions need not. Where nothing is answered the broker may
	// have stopped, and no more than one connection is added in that time.
	slow = time.Second
)

// line is some connections to one broker, for one kind of request. kafka-go's own
// pool will not do: it opens a connection for each request under way, and gives
// away those that the broker has muted because of a quota.
//
// mu guards all below it. It is never held while waiting.
type line struct {
	log    *Log
	broker int32
	most   int

	mu    sync.Mutex
	queue []*exchange
	open  int           // connections
	free  int           // of these, those that wait for a request
	slow  int           // and those whose request takes long
	wake  chan struct{} // for one that is free
	muted time.Time     // the broker reads nothing before

	answered, added time.Time // the last request, and connection beyond most
}

func newLine(l *Log, broker int32, most int) *line {
	return &line{log: l, broker: broker, most: most, wake: make(chan struct{}, 1)}
}

// exchange is a request on its way.
type exchange struct {
	req     protocol.Message
	timeout time.Duration
	gone    atomic.Bool // its caller no longer waits
	done    chan exchanged
}

type exchanged struct {
	answer protocol.Message
	err    error
}

// send waits for a request's answer; timeout is counted from when it is sent.
func (n *line) send(ctx context.Context, timeout time.Duration, req protocol.Message) (protocol.Message, error) {
	x := &exchange{req: req, timeout: timeout, done: make(chan exchanged, 1)}
	n.mu.Lock()
	n.queue = append(n.queue, x)
	n.staff()
	n.mu.Unlock()
	select {
	case r := <-x.done:
		return r.answer, r.err
	case <-ctx.Done():
		x.gone.Store(true)
		return nil, ctx.Err()
	}
}

// staff sees to it that somebody takes what is queued. mu is held.
func (n *line) staff() {
	switch {
	case len(n.queue) == 0:
	case n.free > 0:
		select {
		case n.wake <- struct{}{}:
		default:
		}
	case n.open-n.slow < n.most:
		n.open++
		go n.connect()
	}
}

// connect keeps one connection, from its opening to its end.
func (n *line) connect() {
	// kafka-go no longer waits for serve once the client is closed.
	var served atomic.Bool
	_, err := n.log.transport.RoundTrip(n.log.closed, n.log.addr, &toBroker{api: new(fetch.Request), broker: n.broker,
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
	n.staff()
}

var errUnused = errors.New("the connection is no longer used")

// serve sends requests until one fails, or none comes for long.
func (n *line) serve(conn *protocol.Conn, versions map[protocol.ApiKey]int16) error {
	for {
		x, err := n.take()
		if err != nil {
			return err
		}
		if x.gone.Load() {
			continue
		}
		n.mu.Lock()
		watch := n.watch()
		n.mu.Unlock()
		var answer protocol.Message
		if err = conn.SetDeadline(time.Now().Add(x.timeout)); err == nil {
			answer, err = n.log.exchange(conn, versions, x.req)
		}
		n.mu.Lock()
		watch.end()
		if err == nil {
			n.answered = time.Now()
			if held := throttle(answer); held > 0 {
				n.muted = n.answered.Add(held)
			}
		}
		surplus := n.open-n.slow > n.most
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

// watch makes a request that begins now a slow one in time. mu is held.
func (n *line) watch() *watch {
	w, began := &watch{line: n}, time.Now()
	w.timer = time.AfterFunc(slow, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		now := time.Now()
		switch {
		case w.ended:
		case n.answered.After(began), now.Sub(n.added) >= slow:
			w.slow = true
			n.slow++
			n.added = now
			n.staff()
		default:
			w.timer.Reset(slow)
		}
	})
	return w
}

// watch is one request's. The line's mu guards it.
type watch struct {
	line        *line
	timer       *time.Timer
	ended, slow bool
}

func (w *watch) end() {
	w.ended = true
	w.timer.Stop()
	if w.slow {
		w.line.slow--
	}
}

// take waits for a request, and for the time when the broker reads it.
func (n *line) take() (*exchange, error) {
	n.mu.Lock()
	if len(n.queue) == 0 {
		unused := time.NewTimer(lineIdle)
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
			case <-n.log.closed.Done():
				over = true
			}
			n.mu.Lock()
			n.free--
		}
	}
	x := n.queue[0]
	n.queue[0] = nil
	n.queue = n.queue[1:]
	n.staff()
	wait := time.Until(n.muted)
	n.mu.Unlock()
	_ = clock.System.Sleep(n.log.closed, wait)
	return x, nil
}
