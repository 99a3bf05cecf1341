package page

import (
	"context"
	"sync"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/history"
)

// Reading the topics for one task takes time, and uses the same brokers as the work. So at
// most topicsAtOnce readings run, within an allowance of time. All three waits together are
// shorter than the 10 s that package admin's server gives an answer.
const (
	topicsAtOnce = 2
	placeWithin  = 2500 * time.Millisecond
	topicsWithin = 5 * time.Second
	ownerWithin  = time.Second
)

// found is the result of a reading.
type found struct {
	topics  *history.History // nil: none, see state and problem
	state   string           // Task.TopicsState
	problem string
	owner   *Owner
}

// readings shares results among requests for the same task. An open page asks again and
// again: it gets the last result, of any request, until as much time has passed as the
// reading took. So readings for one task run at most half of the time.
type readings struct {
	places    chan struct{}
	allowance allowance

	mu     sync.Mutex
	byTask map[string]*reading
}

// reading is one reading. The mutex of readings guards askers and fresh.
type reading struct {
	ctx    context.Context // ends when no request waits for it any more
	cancel context.CancelFunc
	askers int
	fresh  time.Time // until when the result is shared; zero: the reading is running

	done chan struct{} // closed when found is set
	found
}

func newReadings() *readings {
	return &readings{places: make(chan struct{}, topicsAtOnce), byTask: map[string]*reading{}}
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
		if !r.fresh.IsZero() && time.Now().After(r.fresh) {
			delete(rs.byTask, task)
		}
	}
	r = rs.byTask[id]
	if first = r == nil; first {
		r = &reading{done: make(chan struct{})}
		r.ctx, r.cancel = context.WithCancel(context.Background())
		rs.byTask[id] = r
	}
	r.askers++
	return r, first
}

// leave removes a request. If no other waits for the reading, the reading is cancelled.
func (rs *readings) leave(id string, r *reading) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.askers--; r.askers == 0 && r.fresh.IsZero() {
		rs.forget(id, r)
	}
}

func (rs *readings) read(id string, r *reading, read func(context.Context) found) {
	defer close(r.done)
	defer r.cancel()
	wait, cancel := context.WithTimeout(r.ctx, placeWithin)
	defer cancel()
	select {
	case rs.places <- struct{}{}:
		defer func() { <-rs.places }()
	case <-wait.Done():
	}
	if wait.Err() == nil { // while holding the place, so that at most topicsAtOnce begin when due
		_ = clock.System.Sleep(wait, rs.allowance.due(time.Now()))
	}
	if wait.Err() != nil {
		r.found = found{state: TopicsBusy, problem: "busy: the topics are being read for others; ask again in a few seconds"}
		rs.share(id, r, 0)
		return
	}
	began := time.Now()
	r.found = found{state: TopicsFailed, problem: "the topics cannot be read"} // if read panics
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
	r.fresh = time.Now().Add(d)
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
