package retrier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// listener records the steps, except waits shorter than 10 ms, which the store drops too.
type listener struct {
	mu    sync.Mutex
	steps []story.Step
}

func (l *listener) Step(s story.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.At = time.Now()
	if n := len(l.steps) - 1; n >= 0 && l.steps[n].Kind.Waits() && s.At.Sub(l.steps[n].At) < 10*time.Millisecond {
		l.steps = l.steps[:n]
	}
	l.steps = append(l.steps, s)
}

func (l *listener) kinds() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kinds []string
	for _, s := range l.steps {
		kinds = append(kinds, string(s.Kind))
	}
	return strings.Join(kinds, " ")
}

// first is the first step of the kind.
func (l *listener) first(k story.Kind) (s story.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.steps, func(s story.Step) bool { return s.Kind == k }); i >= 0 {
		return l.steps[i]
	}
	return story.Step{}
}

// said is the sentence of the first step of the kind.
func (l *listener) said(k story.Kind) string { return l.first(k).Sentence() }

// heard is an event whose steps a listener records.
func heard(id string) (Event, *listener) {
	l := &listener{}
	ev := newEvent(id)
	ev.Listener = l
	return ev, l
}

func TestEachStepOfAnEventIsTold(t *testing.T) {
	canceled := func(ids []string) (map[string]mpcclient.Task, error) { return tasksIn("CANCELED", ids...), nil }
	throttled := refusal(mpcclient.Throttled, 429, "APIG.0308")
	noRoute := &mpcclient.Error{Operation: mpcclient.OperationRetry, Class: mpcclient.Transient, Err: errors.New("no route to host")}
	login := &mpcclient.Error{Operation: mpcclient.OperationLogin, Class: mpcclient.Operator, Status: 401, Advice: "mend the password"}
	for name, c := range map[string]struct {
		api   *api
		doubt bool
		code  string
		want  string
		kind  story.Kind
		said  string
	}{
		"accepted":  {&api{}, false, "", "call accepted answered", story.Answered, "accepted"},
		"not found": {&api{retry: always(refusal(mpcclient.TaskNotFound, 404, "MPC.10211"))}, false, "", "call refused answered", story.Refused, "HTTP 404 MPC.10211 (no)"},
		"ambiguous": {&api{retry: always(ambiguous), query: canceled}, false, "", "call refused query state answered", story.State, "CANCELED"},
		"skip code": {&api{}, false, "MPC.10052", "answered", story.Answered, "not_retryable"},
		"throttled": {&api{retry: first(throttled)}, false, "", "call refused quota_wait call accepted answered", story.Refused, "the quota is used up"},
		"no route":  {&api{retry: first(noRoute)}, false, "", "call refused backoff_wait call accepted answered", story.Refused, "got no answer: no route to host"},
		"login":     {&api{retry: first(login)}, false, "", "call refused backoff_wait call accepted answered", story.Refused, "IAM issued no token for the call"},
		"lost": {&api{retry: first(lostAnswer)}, false, "", "call refused doubt query state doubt query state backoff_wait call accepted answered",
			story.Doubt, "the answer to the call was lost"},
		"crashed": {&api{query: canceled}, true, "", "doubt query state answered", story.Doubt, "an earlier owner of the partition"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, c.api, 0, nil)
				defer d.stop()
				ev, l := heard("1")
				ev.Lease.(*lease).doubt = c.doubt
				ev.Lease.(*lease).since = time.Now()
				if c.code != "" {
					ev.Failure.ErrorCode = c.code
				}
				d.decide(ev)
				if got := l.kinds(); got != c.want {
					t.Errorf("told:\n%s\nwant:\n%s", got, c.want)
				}
				if got := l.said(c.kind); !strings.Contains(got, c.said) {
					t.Errorf("%q is not in %q", c.said, got)
				}
			})
		})
	}
}

func TestAWaitTellsHowManyEventsAreBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 60, nil) // one a second, or a little less
		defer d.stop()
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() { d.decide(newEvent(fmt.Sprint(i))) })
		}
		synctest.Wait()
		ev, l := heard("last")
		all.Go(func() { d.decide(ev) })
		synctest.Wait()
		began, wait := time.Now(), l.first(story.QuotaWait)
		all.Wait()
		if text := wait.Sentence(); !strings.Contains(text, ": 9 calls before it, ") {
			t.Errorf("said %q", text)
		}
		if called := l.first(story.Call).At; called.Sub(wait.Until).Abs() > time.Since(began)/5 {
			t.Errorf("expected at %v, called at %v", wait.Until, called)
		}
	})
}

func TestADuplicateWaitsAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: func(context.Context, string, int) error {
			time.Sleep(time.Second)
			return nil
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		var all sync.WaitGroup
		all.Go(func() { d.decide(newEvent("1")) })
		synctest.Wait()
		ev, l := heard("1")
		d.decide(ev)
		all.Wait()
		if got := l.kinds(); got != "duplicate_wait call accepted answered" {
			t.Errorf("told %s", got)
		}
	})
}

func TestAnOutageIsToldWithItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := refusal(mpcclient.Operator, 403, "MPC.10207")
		down.Advice = "pay the bill"
		d := newHarness(t, &api{retry: first(down, down, down, down)}, 0, nil)
		defer d.stop()
		ev, l := heard("1")
		var all sync.WaitGroup
		all.Go(func() {
			if o := d.decide(ev); o.Reason != events.Accepted {
				t.Errorf("%+v", o)
			}
		})
		for d.gate.Available() {
			time.Sleep(100 * time.Millisecond)
		}
		late, l2 := heard("2") // it arrives while the breaker is open
		all.Go(func() { d.decide(late) })
		all.Wait()
		if got := l2.kinds(); !strings.HasPrefix(got, "outage_wait call") {
			t.Errorf("told %s", got)
		}
		if got := l.said(story.OutageWait); !strings.Contains(got, "MPC does not serve: since 2000-01-01 00:00:") || !strings.Contains(got, "pay the bill") {
			t.Errorf("said %q", got)
		}
	})
}

// Each event of a failed query gets a step about it.
func TestAQueryInVainIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: always(ambiguous)}
		a.query = func(ids []string) (map[string]mpcclient.Task, error) {
			if a.asked() == 1 {
				return nil, queryRefusal(mpcclient.Transient, 503, "APIG.0613")
			}
			return tasksIn(mpcclient.StatusFailed, ids...), nil
		}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		ev, l := heard("1")
		d.decide(ev)
		if got := l.kinds(); got != "call refused query state query state answered" {
			t.Errorf("told %s", got)
		}
		if got := l.said(story.State); !strings.HasPrefix(got, "MPC did not disclose the task's state: HTTP 503 APIG.0613") {
			t.Errorf("said %q", got)
		}
	})
}
