package simulation

import (
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// calledWorld returns quietWorld with its instance as the owner of the event's partition.
func calledWorld(t *testing.T) (*world, *event, *instance) {
	w, e, i := quietWorld(t)
	w.quota = 0
	i.assigned, w.owners = []int{e.partition}, map[int]*instance{e.partition: i}
	i.ends[e.partition], i.provenAt = e.offset+1, 24*time.Hour
	return w, e, i
}

// fails makes a call that takes no time and fails.
func fails(i *instance, t *task, status int) {
	c := i.called(t)
	i.returned(c, refusal(mpcclient.OperationRetry, status, ""))
}

func TestEventThatIsHeldUpIsFound(t *testing.T) {
	w, e, _ := calledWorld(t)
	w.healed, w.mayQuery = true, true
	w.s.now = w.answeredWithin(e)
	w.checkLate()
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	w.s.now++
	e.task.behavior = alwaysFails
	w.checkLate()
	if w.violation != nil {
		t.Fatalf("its task cannot be served: %v", w.violation)
	}
	e.task.behavior = retryable
	w.checkLate()
	if got := invariantOf(w); got != "8: no task holds up another" {
		t.Errorf("found %q", got)
	}
}

func TestFailingTaskThatIsCalledEachSecondIsFound(t *testing.T) {
	w, e, i := calledWorld(t)
	e.task.behavior = alwaysFails
	for range failingMinute {
		fails(i, e.task, 503)
		w.s.now += time.Second
	}
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	fails(i, e.task, 503)
	if got := invariantOf(w); got != "5: a task that always fails is called rarely" {
		t.Errorf("found %q", got)
	}
}

func TestFailingTaskThatCostsManyCallsIsFound(t *testing.T) {
	for _, c := range []struct {
		name         string
		othersServed bool
		found        string
	}{
		{"others are served", true, "5: a task that always fails costs few calls"},
		{"no other is served", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, e, i := calledWorld(t)
			w.attempts, e.task.behavior = 2, alwaysFails
			others := func() {
				for range minSamples {
					i.calls = append(i.calls, ended{&task{}, c.othersServed})
				}
			}
			for range 4 {
				others()
				w.s.now += time.Minute
				fails(i, e.task, 503)
			}
			others()
			if w.violation != nil {
				t.Fatal(w.violation)
			}
			w.s.now += time.Minute
			if fails(i, e.task, 503); invariantOf(w) != c.found {
				t.Errorf("found %q", invariantOf(w))
			}
		})
	}
}

func TestLostAnswerThatIsNotAskedAboutIsFound(t *testing.T) {
	for status, found := range map[int]string{
		503: "",
		500: "3: a call in doubt is queried before the next one",
		502: "3: a call in doubt is queried before the next one",
		504: "3: a call in doubt is queried before the next one",
	} {
		w, e, i := calledWorld(t)
		w.mayQuery = true
		fails(i, e.task, status)
		if i.called(e.task); invariantOf(w) != found {
			t.Errorf("after %d: found %q", status, invariantOf(w))
		}
	}
}

func TestCallWhoseOutcomeCannotBeWrittenIsFound(t *testing.T) {
	w, e, i := calledWorld(t)
	w.s.now = time.Minute // the API has had no faults for long
	o := w.partitionOf(e.task, topicRetried)
	w.setUnwritable(o)
	i.noteWrite(o, errLeaderless)
	w.s.now += knownUnwritable + 2*time.Duration(w.inFlight)*time.Second
	fails(i, e.task, 503)
	i.noteWrite(o, errLeaderless)
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	w.s.now++
	if fails(i, e.task, 503); invariantOf(w) != "a call's outcome can be written" {
		t.Errorf("found %q", invariantOf(w))
	}
}

// An exhausted task answers the events that were in the log when its last call was sent,
// and no others.
func TestExhaustedTaskThatAnswersForALaterEventIsFound(t *testing.T) {
	w, e, i := calledWorld(t)
	e.task.behavior, e.task.alwaysFailed, w.attempts = alwaysFails, true, 1
	fails(i, e.task, 503)
	later := &event{task: e.task, failure: 1, value: e.value}
	w.producers.pending++
	w.publish(later, "t")
	for _, c := range []struct {
		e        *event
		attempts int
		found    bool
	}{{e, 1, false}, {e, 0, false}, {later, 0, true}} {
		retries := 0
		o := &outcome{Outcome: events.Outcome{Reason: events.AttemptsExhausted, Attempts: c.attempts, Retries: &retries}, by: i, seq: w.seq(), attempt: &attempt{since: i.since}}
		o.DecidedAt = i.clock.Now()
		if why := w.untrue(c.e, o); (why != "") != c.found {
			t.Errorf("event %d with %d attempts: %q", c.e.offset, c.attempts, why)
		}
	}
}

func TestCallForWhatAnExhaustedTaskCoversIsFound(t *testing.T) {
	w, e, i := calledWorld(t)
	e.task.behavior, e.task.alwaysFailed, w.attempts = alwaysFails, true, 1
	duplicate := &event{task: e.task, failure: 1, value: e.value}
	w.producers.pending++
	w.publish(duplicate, "t")
	i.ends[e.partition] = duplicate.offset + 1
	fails(i, e.task, 503)
	retries := 0
	e.outcomes = []*outcome{{Outcome: events.Outcome{Reason: events.AttemptsExhausted, Attempts: 1, Retries: &retries, DecidedAt: i.clock.Now()}, by: i, seq: w.seq(), attempt: &attempt{since: i.since}}}
	w.s.now += time.Minute
	if fails(i, e.task, 503); invariantOf(w) != "5: what an exhausted task covers is answered together" {
		t.Errorf("found %q", invariantOf(w))
	}
}

func TestRebalanceAfterWhichNothingIsCalledIsFound(t *testing.T) {
	w, e, i := calledWorld(t)
	w.healed, w.aftermath.alwaysFails, w.disturbedUntil = true, false, 0
	w.s.now++          // the event has waited
	i.proc.pause(true) // it does nothing by itself
	i.watchResume(make(chan struct{}))
	for w.violation == nil && w.s.step(time.Minute) {
	}
	if e.answered() || invariantOf(w) != "4: calls resume after a rebalance" {
		t.Errorf("found %q", invariantOf(w))
	}
}

func TestLimitAdmitsAsManyAsItSays(t *testing.T) {
	for kind, want := range map[limitKind][3]int{ // at once, half a minute later, one and a half
		slidingWindow: {30, 0, 30},
		fixedWindow:   {30, 0, 30},
		tokenBucket:   {30, 15, 30},
	} {
		l := limit{kind: kind, perMinute: 30, tokens: 30}
		var got [3]int
		for n, at := range []time.Duration{0, 30 * time.Second, 90 * time.Second} {
			for range 40 {
				if l.admits(at) {
					got[n]++
				}
			}
		}
		if got != want {
			t.Errorf("%s: %v, want %v", kind, got, want)
		}
	}
}
