package retrier

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// ambiguously refuses the retries of tasks whose id begins with prefix.
func ambiguously(prefix string) func(context.Context, string, int) error {
	return func(_ context.Context, id string, _ int) error {
		if strings.HasPrefix(id, prefix) {
			return ambiguous
		}
		return nil
	}
}

func TestQueriesThatFailAloneCostLittleAndAreTold(t *testing.T) {
	for answer, refusal := range map[string]error{
		"HTTP 403":           queryRefusal(mpcclient.Operator, 403, ""),
		"HTTP 500 MPC.10201": queryRefusal(mpcclient.Transient, 500, "MPC.10201"),
		"no answer":          queryRefusal(mpcclient.Transient, 0, ""),
	} {
		t.Run(answer, func(t *testing.T) { queriesFailAlone(t, refusal, answer) })
	}
}

func queriesFailAlone(t *testing.T, refusal error, answer string) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: ambiguously("odd"), query: func([]string) (map[string]mpcclient.Task, error) { return nil, refusal }}
		d := newHarness(t, a, 100, nil)
		defer d.stop()
		stop := d.traffic(time.Second)
		ctx, cancel := contextFor(time.Hour)
		defer cancel()
		ev := newEvent("odd")
		ev.Lease = &lease{at: ev.Source.Offset, owned: ctx}
		advice := make(chan string, 1)
		time.AfterFunc(59*time.Minute, func() { advice <- d.Advice() })
		if answer, err := d.Answer(ctx, ev); err == nil {
			t.Errorf("answered: %+v", answer.Outcome)
		}
		stop()
		if n := a.asked(); n > 30 {
			t.Errorf("%d queries in an hour, for one event", n)
		}
		if said := <-advice; !strings.Contains(said, "task state queries fail while retries work (") || !strings.Contains(said, ", "+answer+"); events") || strings.HasSuffix(said, " ") {
			t.Errorf("advice: %q", said)
		}
		if said := d.Advice(); said != "" {
			t.Errorf("no event waits any more: %q", said)
		}
	})
}

// The API may fail because of one odd id. The other tasks of its query must not wait for
// it.
func TestAnIDThatTheQueryFailsAtEndsUpAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: ambiguously(""), query: func(ids []string) (map[string]mpcclient.Task, error) {
			if slices.Contains(ids, "odd") {
				return nil, queryRefusal(mpcclient.Transient, 500, "")
			}
			return tasksIn(mpcclient.StatusProcessing, ids...), nil
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		var others sync.WaitGroup
		began := time.Now()
		for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
			others.Go(func() {
				if o := d.decide(newEvent(id)); o.Reason != events.AlreadyRunning {
					t.Errorf("%s: %+v", id, o)
				}
			})
		}
		odd, cancel := context.WithCancel(context.Background())
		var waiting sync.WaitGroup
		ev := newEvent("odd")
		ev.Lease = &lease{at: ev.Source.Offset, owned: odd}
		waiting.Go(func() { _, _ = d.Answer(odd, ev) })
		others.Wait()
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the others waited %v", took)
		}
		cancel()
		waiting.Wait()
	})
}

func TestADuplicateThatWaitsThroughAnOutageDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		d := newHarness(t, &api{retry: func(context.Context, string, int) error {
			if time.Since(began) < 3*time.Hour {
				return unavailable
			}
			return nil
		}}, 0, maxAge)
		defer d.stop()
		var duplicates sync.WaitGroup
		for range 2 {
			duplicates.Go(func() {
				if o := d.decide(agedEvent("1", 0)); o.Reason.Kind() != events.Retried {
					t.Errorf("%+v", o)
				}
			})
		}
		duplicates.Wait()
	})
}

// Without a token nothing was sent: that is not an attempt.
func TestALoginThatFailsIsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		login := refusal(mpcclient.Operator, 401, "")
		login.Operation = mpcclient.OperationLogin
		d := newHarness(t, &api{retry: first(login, login)}, 0, nil)
		defer d.stop()
		if o := d.decide(newEvent("1")); o.Reason != events.Accepted || o.Attempts != 1 {
			t.Errorf("%+v", o)
		}
	})
}

// A task that queries its state waits too, for quota or for the outage's end.
func TestEventsThatWaitForAStateAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{query: func([]string) (map[string]mpcclient.Task, error) {
			return nil, queryRefusal(mpcclient.Transient, 503, "")
		}}, 0, nil)
		defer d.stop()
		ctx, cancel := context.WithCancel(context.Background())
		var waiting sync.WaitGroup
		for _, id := range []string{"1", "2", "3"} {
			ev := newEvent(id)
			ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
			waiting.Go(func() { _, _ = d.Answer(ctx, ev) })
		}
		time.Sleep(time.Minute)
		if w := d.Waiting(); w.Quota != 3 {
			t.Errorf("%+v", w)
		}
		cancel()
		waiting.Wait()
		if w := d.Waiting(); w != (Waiting{}) {
			t.Errorf("%+v after all have gone", w)
		}
	})
}

// A task may wait for long for the quota. If Kafka could not store the answer by then, it
// is not called, and others get the turn.
func TestACallWhoseAnswerCannotBeStoredByItsTurnIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 6, nil)
		defer d.stop()
		first, second := newEvent("1"), newEvent("2")
		one, two := d.add(t.Context(), first), d.add(t.Context(), second)
		synctest.Wait()
		first.Lease.(*lease).blocked.Store(true)
		answer, err := two()
		if err != nil {
			t.Fatal(err)
		}
		answer.Acknowledged()
		time.Sleep(15 * time.Second) // also the first one has had its turn
		if d.api.retries["1"] != 0 || d.api.retries["2"] != 1 || first.Lease.(*lease).calledAndOpen() {
			t.Errorf("calls by task: %v", d.api.retries)
		}
		began := time.Now()
		first.Lease.(*lease).blocked.Store(false)
		if answer, err = one(); err != nil {
			t.Fatal(err)
		}
		answer.Acknowledged()
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("called %v after Kafka took answers again", took)
		}
	})
}
