package page

import (
	"context"
	"sync"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/history"
)

// Reading the topics for one task takes time, and uses the same brokers as the work. So at
// most maxReadings run at once, within an allowance of time. The three timeouts together
// are shorter than the 10 s that package admin's server gives an answer.
const (
	maxReadings   = 2
	slotTimeout   = 2500 * time.Millisecond
	topicsTimeout = 5 * time.Second
	ownerTimeout  = time.Second
)

// found is the result of a reading.
type found struct {
	topics  *history.History // nil: none, see state and problem
	state   string           // Task.TopicsState
	problem string
	owner   *Owner
}

// readings shares results among requests for the same task. An open page sends requests
// again and again. A result is shared for as long as the reading took, so readings for one
// task run at most half of the time.
type readings struct {
	slots     chan struct{}
	allowance allowance

	mu     sync.Mutex
	byTask map[string]*reading
}

// reading is one reading. The mutex of readings guards requests and
// sharedUntil.
type reading struct {
	ctx         context.Context // ends when no request waits for the reading any more
	cancel      context.CancelFunc
	requests    int       // that wait for the reading
	sharedUntil time.Time // until when the result is shared; zero: the reading is running

	done chan struct{} // closed when found is set
	found
}

func newReadings() *readings {
	return &readings{slots: make(chan struct{}, maxReadings), byTask: map[string]*reading{}}
}

// ask returns what read returns, or a recent result for the same task. The first request
// starts the reading; it continues for the others if the first one's context ends.
func (rs *readings) ask(ctx context.Context, id string, read func(context.Context) found) found {
	r, first := rs.join(id)
	stop := context.AfterFunc(ctx, func() { rs.leave(id, r) })
	defer func() {
		if stop() {
			rs.leave(id, r)
		}
	}()
	if first {
		rs.read(id, r, read)
		return r.found
	}
	select {
	case <-r.done:
		return r.found
	case <-ctx.Done():
		return found{state: TopicsNotAsked} // the request has been cancelled
	}
}

func (rs *readings) join(id string) (r *reading, first bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for task, r := range rs.byTask {
		if !r.sharedUntil.IsZero() && time.Now().After(r.sharedUntil) {
			delete(rs.byTask, task)
		}
	}
	r = rs.byTask[id]
	if first = r == nil; first {
		r = &reading{done: make(chan struct{})}
		r.ctx, r.cancel = context.WithCancel(context.Background())
		rs.byTask[id] = r
	}
	r.requests++
	return r, first
}

// leave removes a request. If no other request waits for the reading, it is cancelled.
func (rs *readings) leave(id string, r *reading) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.requests--; r.requests == 0 && r.sharedUntil.IsZero() {
		rs.forget(id, r)
	}
}

func (rs *readings) read(id string, r *reading, read func(context.Context) found) {
	defer close(r.done)
	defer r.cancel()
	wait, cancel := context.WithTimeout(r.ctx, slotTimeout)
	defer cancel()
	select {
	case rs.slots <- struct{}{}:
		defer func() { <-rs.slots }()
	case <-wait.Done():
	}
	if wait.Err() == nil { // while holding the slot, so that at most maxReadings begin when due
		_ = clock.System.Sleep(wait, rs.allowance.due(time.Now()))
	}
	if wait.Err() != nil {
		r.found = found{state: TopicsBusy, problem: "busy: the topics are being read for others; ask again in a few seconds"}
		rs.share(id, r, 0)
		return
	}
	began := time.Now()
	r.found = found{state: TopicsFailed, problem: "an internal error"} // if read panics
	defer func() {
		took := time.Since(began)
		rs.allowance.spend(time.Now(), took)
		rs.share(id, r, took)
	}()
	r.found = read(r.ctx)
}

// share keeps the result for others, for the time d.
func (rs *readings) share(id string, r *reading, d time.Duration) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.sharedUntil = time.Now().Add(d)
	if r.state == TopicsBusy || r.state == TopicsFailed {
		rs.forget(id, r)
	}
}

// forget makes the next request start a new reading. mu is held.
func (rs *readings) forget(id string, r *reading) {
	r.cancel()
	if rs.byTask[id] == r {
		delete(rs.byTask, id)
	}
}
