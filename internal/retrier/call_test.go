package retrier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// failures are the lines about first failures.
func (d *harness) failures() (lines []*logrus.Entry) {
	for _, e := range d.log.AllEntries() {
		if strings.HasPrefix(e.Message, "a task's call failed: ") {
			lines = append(lines, e)
		}
	}
	return lines
}

// The event's story must say which attempt it is: otherwise operators cannot see how far a
// failing task is.
func TestATaskWhoseCallsFailSaysWhichAttemptItIsAndIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cursed := refusal(mpcclient.Transient, 503, "APIG.0613")
		d := newHarness(t, &api{retry: func(_ context.Context, id string, _ int) error {
			if id == "cursed" {
				return cursed
			}
			return nil
		}}, 0, nil)
		defer d.stop()
		for i := range 20 {
			d.decide(newEvent(fmt.Sprint("before", i)))
		}
		ev, l := heard("cursed")
		var all sync.WaitGroup
		ended := make(chan struct{})
		all.Go(func() {
			defer close(ended)
			if o := d.decide(ev); o.Reason != events.AttemptsExhausted {
				t.Errorf("%+v", o)
			}
		})
		for i := 0; ; i++ {
			select {
			case <-ended:
				all.Wait()
				var said []string
				l.mu.Lock()
				for _, s := range l.steps {
					if s.Kind == story.BackoffWait {
						said = append(said, s.Detail)
					}
				}
				l.mu.Unlock()
				for n := 1; n <= 5; n++ {
					want := fmt.Sprintf("attempt %d of 5, which counts only if MPC serves others meanwhile", n)
					if !slices.Contains(said, want) {
						t.Errorf("%q is not said: %q", want, said)
					}
				}
				if lines := d.failures(); len(lines) != 1 || lines[0].Data["task_id"] != "cursed" {
					t.Errorf("%d lines: %v", len(lines), lines)
				}
				return
			case <-time.After(200 * time.Millisecond):
				d.decide(newEvent(fmt.Sprint("meanwhile", i)))
			}
		}
	})
}

// If one request in three fails there is no outage, and many tasks fail at first.
func TestFirstFailuresAreLoggedForAFewTasksAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: func(_ context.Context, id string, nth int) error {
			if nth == 1 && strings.HasSuffix(id, "odd") {
				return refusal(mpcclient.Transient, 503, "APIG.0613")
			}
			return nil
		}}, 0, nil)
		defer d.stop()
		for i := range 30 {
			d.decide(newEvent(fmt.Sprint(i, "even")))
			d.decide(newEvent(fmt.Sprint(i, "odd")))
		}
		if n := len(d.failures()); n != firstFailuresPerMinute {
			t.Errorf("%d lines about 30 tasks, want %d", n, firstFailuresPerMinute)
		}
	})
}

// In an outage the first call of each task fails. A line for each task would hide the line
// that reports the outage.
func TestAnOutageIsNotLoggedTaskByTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		d := newHarness(t, &api{retry: func(context.Context, string, int) error {
			if time.Sleep(time.Second); !up.Load() {
				return refusal(mpcclient.Transient, 503, "APIG.0613")
			}
			return nil
		}}, 0, nil)
		defer d.stop()
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() { d.decide(newEvent(fmt.Sprint(i))) })
		}
		time.Sleep(10 * time.Second)
		if n := len(d.failures()); n > firstFailuresPerMinute {
			t.Errorf("%d lines", n)
		}
		up.Store(true)
		all.Wait()
	})
}
