package retrier

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

// storm returns n events of one task that are in the log together. change changes their
// leases; it may be nil.
func storm(n int, change func(*lease)) []Event {
	var all []Event
	for range n {
		all = append(all, newEvent("1"))
	}
	end := all[n-1].Source.Offset + 1
	for _, ev := range all {
		l := ev.Lease.(*lease)
		l.end = end
		if change != nil {
			change(l)
		}
	}
	return all
}

func inDoubt(l *lease) { l.doubt, l.since = true, time.Now() }

// decideStorm answers all at once. first is the answer that covers the others.
func (d *harness) decideStorm(all []Event) (first events.Outcome, others []events.Outcome) {
	var mu sync.Mutex
	var deciding sync.WaitGroup
	for _, ev := range all {
		deciding.Go(func() {
			o := d.decide(ev)
			mu.Lock()
			defer mu.Unlock()
			if o.Covers != nil {
				first = o
				return
			}
			others = append(others, o)
		})
	}
	deciding.Wait()
	if len(others) != len(all)-1 {
		d.t.Errorf("%d of %d answers say that they cover others", len(all)-len(others), len(all))
	}
	return first, others
}

func TestStormOfOneFailureCostsOneCall(t *testing.T) {
	const n = 100
	for name, c := range map[string]struct {
		calls    []error // their results; further ones are accepted
		state    string
		crashed  bool
		called   int
		asked    int
		first    events.Reason
		attempts int
		others   events.Reason
		counts   int // retries against the budget
	}{
		"accepted":                       {nil, "FAILED", false, 1, 0, events.Accepted, 1, events.Covered, 1},
		"503, then accepted":             {[]error{unavailable}, "FAILED", false, 2, 0, events.Accepted, 2, events.Covered, 1},
		"lost, and was accepted":         {[]error{lostAnswer}, "PROCESSING", false, 1, 1, events.AlreadyRunning, 1, events.Covered, 1},
		"lost, and called again":         {[]error{lostAnswer}, "FAILED", false, 2, 2, events.Accepted, 2, events.Covered, 1},
		"lost, canceled":                 {[]error{lostAnswer}, "CANCELED", false, 1, 1, events.NotRetryable, 1, events.NotRetryable, 0},
		"lost, not to be asked":          {[]error{lostAnswer, ambiguous}, "forbidden", false, 2, 1, events.AlreadyRunning, 2, events.Covered, 1},
		"refused":                        {[]error{ambiguous}, "FAILED", false, 1, 1, events.Rejected, 1, events.Rejected, 0},
		"refused, and runs":              {[]error{ambiguous}, "PROCESSING", false, 1, 1, events.AlreadyRunning, 1, events.AlreadyRunning, 0},
		"refused, canceled":              {[]error{ambiguous}, "CANCELED", false, 1, 1, events.NotRetryable, 1, events.NotRetryable, 0},
		"not known":                      {[]error{refusal(mpcclient.TaskNotFound, 403, "MPC.10211")}, "FAILED", false, 1, 0, events.TaskNotFound, 1, events.TaskNotFound, 0},
		"invalid":                        {[]error{refusal(mpcclient.InvalidTask, 403, "MPC.10202")}, "FAILED", false, 1, 0, events.InvalidTask, 1, events.InvalidTask, 0},
		"crashed, and was accepted":      {nil, "SUCCEED", true, 0, 1, events.AlreadyRunning, 0, events.AlreadyRunning, 1},
		"crashed, and was not":           {nil, "FAILED", true, 1, 2, events.Accepted, 1, events.Covered, 1},
		"crashed, canceled":              {nil, "CANCELED", true, 0, 1, events.NotRetryable, 0, events.NotRetryable, 0},
		"crashed, not known":             {nil, "not known", true, 0, 1, events.TaskNotFound, 0, events.TaskNotFound, 0},
		"crashed, not to be asked":       {[]error{ambiguous}, "forbidden", true, 1, 1, events.AlreadyRunning, 1, events.Covered, 1},
		"crashed, neither, and accepted": {nil, "forbidden", true, 1, 1, events.Accepted, 1, events.Covered, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{retry: first(c.calls...), query: states[c.state]}
				// The next event must not start while the decision is being noted.
				ledger := &fakeLedger{takes: time.Second}
				d := newHarness(t, a, 0, func(c *Config) { c.Ledger = ledger })
				defer d.stop()
				var change func(*lease)
				if c.crashed {
					change = inDoubt
				}
				first, others := d.decideStorm(storm(n, change))
				if a.called() != c.called || a.asked() != c.asked {
					t.Errorf("%d calls and %d queries, want %d and %d", a.called(), a.asked(), c.called, c.asked)
				}
				if first.Reason != c.first || first.Attempts != c.attempts || *first.Retries != c.counts || first.CountsAsRetry() != (c.counts > 0) {
					t.Errorf("%+v with %d retries", first, *first.Retries)
				}
				for _, o := range others {
					if o.Reason != c.others || o.Attempts != 0 || *o.Retries != c.counts || o.CountsAsRetry() || o.Error != nil {
						t.Fatalf("%+v with %d retries", o, *o.Retries)
					}
				}
			})
		})
	}
}

func TestAnswerOfACallCoversWhatStoodInTheLogWhenItWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Three partitions have events of the task; the last one is known only later.
		all := []Event{newEvent("1"), newEvent("1"), newEvent("1"), newEvent("1")}
		all[1].Source.Partition, all[3].Source.Partition = 0, 7
		var answers []func() (*Answer, error)
		for i, end := range []int64{1 << 40, 17, 1 << 40, 3} {
			all[i].Lease = &lease{at: all[i].Source.Offset % 10, end: end}
			all[i].Source.Offset %= 10
		}
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		d.api.retry = func(context.Context, string, int) error {
			for _, ev := range all[:3] {
				ev.Lease.(*lease).grow(1 << 41) // events from now on are later
			}
			time.Sleep(time.Second)
			return nil
		}
		d.gate.Assign(pace.Assignment{TopicPartitions: 1}) // no call starts before all are known
		for _, ev := range all[:3] {
			answers = append(answers, d.add(t.Context(), ev))
		}
		synctest.Wait()
		d.gate.Assign(pace.Assignment{Partitions: []int{0}, TopicPartitions: 1})
		synctest.Wait()
		answers = append(answers, d.add(t.Context(), all[3]))
		want := []events.Cover{{Partition: 0, End: 17}, {Partition: partition, End: 1 << 40}}
		for i, reason := range []events.Reason{events.Accepted, events.Covered, events.Covered, events.Accepted} {
			answer, err := answers[i]()
			if err != nil {
				t.Fatal(err)
			}
			answer.Acknowledged()
			if o := answer.Outcome; o.Reason != reason || i == 0 && !reflect.DeepEqual(o.Covers, want) {
				t.Errorf("event %d: %s, covers %+v", i, o.Reason, o.Covers)
			}
		}
	})
}

// Events after the state query was sent may tell of a later failure, but not events that
// come while the query waits for its turn.
func TestACrashsDoubtThatTheStateSettlesCoversWhatStoodInTheLogByThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := storm(4, inDoubt)
		l := all[0].Lease.(*lease)
		l.grow(all[1].Source.Offset + 1)
		time.AfterFunc(gather/2, func() { l.grow(all[2].Source.Offset + 1) })
		d := newHarness(t, &api{query: func(ids []string) (map[string]mpcclient.Task, error) {
			l.grow(0)
			return tasksIn(mpcclient.StatusProcessing, ids...), nil
		}}, 0, nil)
		defer d.stop()
		want := []events.Cover{{Partition: partition, End: all[2].Source.Offset + 1}}
		if o := d.decide(all[0]); o.Reason != events.AlreadyRunning || *o.Retries != 1 || !reflect.DeepEqual(o.Covers, want) {
			t.Errorf("%+v with %d retries, want covers %+v", o, *o.Retries, want)
		}
		all[3].Lease = &lease{at: all[3].Source.Offset}
		if o := d.decide(all[3]); o.Reason != events.Accepted || *o.Retries != 2 {
			t.Errorf("a later failure: %+v with %d retries", o, *o.Retries)
		}
	})
}

// A query costs as much as a call. With one for each event, a storm about a task that is not
// called at all takes minutes after a crash.
func TestAfterACrashOneQueryEndsTheDoubtOfAllEventsOfATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		all := storm(10, inDoubt)
		var waits []func() (*Answer, error)
		for _, ev := range all {
			ev.Failure.ErrorCode = "MPC.10052" // not called for
			waits = append(waits, d.add(t.Context(), ev))
		}
		for i, wait := range waits {
			answer, err := wait()
			if err != nil {
				t.Fatal(err)
			}
			answer.Acknowledged()
			if o := answer.Outcome; o.Reason != events.NotRetryable {
				t.Errorf("%+v", o)
			}
			if got := all[i].Lease.(*lease).heard; !slices.Equal(got, []string{"settled"}) {
				t.Errorf("event %d, said to the consumer: %v", i, got)
			}
		}
		if d.api.called() != 0 || d.api.asked() != 2 {
			t.Errorf("%d calls, %d queries; want one before FAILED counts and one after", d.api.called(), d.api.asked())
		}
	})
}

// The second event was not called before the crash. Calling for it before the first one's
// state is known would repeat an accepted retry.
func TestADuplicateOfAnEventInDoubtWaitsForTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{query: states["PROCESSING"]}, 0, nil)
		defer d.stop()
		all := storm(2, nil)
		inDoubt(all[0].Lease.(*lease))
		for i, wait := range []func() (*Answer, error){d.add(t.Context(), all[0]), d.add(t.Context(), all[1])} {
			answer, err := wait()
			if err != nil {
				t.Fatal(err)
			}
			answer.Acknowledged()
			if o := answer.Outcome; o.Reason != events.AlreadyRunning || o.CountsAsRetry() != (i == 0) || *o.Retries != 1 {
				t.Errorf("%+v with %d retries", o, *o.Retries)
			}
		}
		if d.api.called() != 0 || d.api.asked() != 1 {
			t.Errorf("%d calls and %d queries", d.api.called(), d.api.asked())
		}
	})
}
