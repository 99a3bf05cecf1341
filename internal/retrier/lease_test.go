package retrier

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/mpcclient"
)

// lease records what the retrier tells the consumer.
type lease struct {
	at    int64 // the event's offset
	doubt bool
	end   int64 // of the partition; 0: the event is its last
	// firstObserved is the number of the event's first observation, 0: nothing covers it.
	firstObserved, lastObservation uint64
	since                          time.Time
	owned                          context.Context

	ctx     context.Context
	cancel  context.CancelCauseFunc
	working *clock.Group
	ended   chan *Answer // nil: given up
	blocked atomic.Bool  // its answer would not be published
	write   func()       // writes its answer; nil: others do

	mu      sync.Mutex
	heard   []string
	notYet  int   // MayCall is false so many times
	refused error // BeforeCall's error
}

func (l *lease) GenerationStart() time.Time { return l.since }
func (l *lease) CallHadNoEffect()           { l.note("settled") }

func (l *lease) InDoubt() bool            { return l.doubt }
func (l *lease) Context() context.Context { return l.ctx }
func (l *lease) Writable() bool           { return !l.blocked.Load() }
func (l *lease) Go(f func())              { l.working.Go(clock.System, f) }
func (l *lease) Do(f func())              { f() }
func (l *lease) GiveUp(error)             { l.ended <- nil }

// Succeeded ends the event like an answer, with an outcome of no reason.
func (l *lease) Succeeded(f *events.Failure) {
	l.ended <- &Answer{Outcome: events.Outcome{Failure: *f}, Acknowledged: func() {}}
}

func (l *lease) Answer(o *events.Outcome, acknowledged func()) (write func()) {
	l.ended <- &Answer{Outcome: *o, Acknowledged: acknowledged}
	return l.write
}

func (l *lease) LastObservation() uint64 { return l.lastObservation }
func (l *lease) FirstObserved() uint64 {
	if l.firstObserved == 0 {
		return math.MaxUint64
	}
	return l.firstObserved
}

// grow sets how long the log is from now on.
func (l *lease) grow(end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end = end
}

func (l *lease) End() (end, logID int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.end, l.at+1), 0
}

// Owned ends with the test's end of the drain.
func (l *lease) Owned() context.Context {
	if l.owned == nil {
		return context.Background()
	}
	return l.owned
}

func (l *lease) BeforeCall(ctx context.Context) error {
	l.note("before")
	if l.refused != nil {
		l.cancel(l.refused) // the generation is over
	}
	return context.Cause(ctx)
}

func (l *lease) MayCall() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notYet--
	return l.notYet < 0
}

func (l *lease) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = append(l.heard, what)
}

// calledAndOpen reports whether a next owner would have to query the event's task.
func (l *lease) calledAndOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.heard) > 0 && l.heard[len(l.heard)-1] == "before"
}

// A task is started just when its generation has ended: Release may be faster than its first
// step. Its backoff must not put it before tasks of the next generation.
func TestATaskThatIsReleasedWhileItRunsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called, answer := make(chan struct{}), make(chan struct{})
		d := newHarness(t, &api{retry: func(_ context.Context, id string, _ int) error {
			if id != "late" {
				return nil
			}
			close(called)
			<-answer
			return refusal(mpcclient.Transient, 503, "APIG.0613")
		}}, 0, nil)
		defer d.stop()
		ctx, end := context.WithCancel(t.Context())
		ev := newEvent("late")
		d.add(ctx, ev)
		<-called
		end()
		d.Release()
		close(answer)
		d.working.Wait(clock.System)
		for range 3 {
			time.Sleep(time.Minute)
			next := newEvent("next")
			next.Failure.ErrorCode = "MPC.10052" // needs no call, so it queues with tasks that come back
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if answer, err := d.Answer(ctx, next); err != nil || answer.Outcome.Reason != events.NotRetryable {
				t.Errorf("%+v, %v", answer, err)
			}
			cancel()
		}
		if free := d.schedule.freeSlots; free != 2*64 {
			t.Errorf("%d slots are free, want 128", free)
		}
	})
}
