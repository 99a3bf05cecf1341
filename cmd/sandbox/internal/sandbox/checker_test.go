package sandbox

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// newTestChecker returns a checker with one event, at partition 3, offset 7, and what it
// prints.
func newTestChecker(t *testing.T, w want) (c *checker, printed *bytes.Buffer) {
	t.Helper()
	printed = &bytes.Buffer{}
	c = newChecker(newPrinter(printed), newTopics("").answers, true)
	mpc, err := mpcsim.New(mpcsim.Config{ProjectID: projectID, AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	c.mpc = mpc
	event := example{event: "plain", write: plain(text, failureCode), want: w}.withTask(0)
	c.expect(event)
	r := event.record()
	r.Partition, r.Offset, r.Timestamp = 3, 7, time.Now()
	c.addEvent(r)
	return c, printed
}

// rejection returns an answer to that event.
func rejection(id string) *answer {
	return &answer{kind: retryFailed, event: location{3, 7}, id: id, reason: "not_retryable", task: "538526"}
}

var noCall = want{kind: retryFailed, reason: "not_retryable"}

func TestAnAnswerThatComesBeforeItsEventIsMatched(t *testing.T) {
	c, _ := newTestChecker(t, noCall)
	early := rejection("2")
	early.event.offset = 8
	c.addAnswer(early)
	if got := c.total(); got.settled != 0 {
		t.Fatalf("settled without an event: %+v", got)
	}
	next := example{write: plain(text, failureCode), want: noCall}.withTask(0)
	c.expect(next)
	r := next.record()
	r.Partition, r.Offset = 3, 8
	c.addEvent(r)
	if got := c.total(); got.settled != 1 || got.problems != 0 {
		t.Fatalf("%+v", got)
	}
}

// A producer may have used the same names. The service's headers come last.
func TestADeadLettersPlaceIsWhatTheServiceSays(t *testing.T) {
	r := &kgo.Record{}
	for _, value := range []string{"1", "2"} {
		for _, name := range deadLetterHeaders {
			r.Headers = append(r.Headers, header(name, value))
		}
	}
	if a, err := readDeadLetter(r); err != nil || a.event != (location{2, 2}) || a.reason != "2" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestARepeatIsDroppedAndASecondAnswerIsNot(t *testing.T) {
	c, printed := newTestChecker(t, noCall)
	c.addAnswer(rejection("1"))
	c.addAnswer(rejection("1"))
	if got := c.total(); got.settled != 1 || got.repeats != 1 || got.problems != 0 {
		t.Fatalf("a repeat: %+v\n%s", got, printed)
	}
	c.addAnswer(rejection("2"))
	if got := c.total(); got.problems != 1 || !strings.Contains(printed.String(), "answered again") {
		t.Fatalf("a second answer: %+v\n%s", got, printed)
	}
}

func TestOneIdForTwoEventsIsSaid(t *testing.T) {
	c, printed := newTestChecker(t, noCall)
	c.addAnswer(rejection("1"))
	other := rejection("1")
	other.event.offset = 8
	c.addAnswer(other)
	if got := c.total(); got.problems != 1 || !strings.Contains(printed.String(), "the same id") {
		t.Fatalf("%+v\n%s", got, printed)
	}
}

func TestAnEventCommittedWithoutAnAnswerIsSaid(t *testing.T) {
	c, printed := newTestChecker(t, noCall)
	c.setCommitted(map[int32]int64{3: 7, 4: 100}) // 7 is the next to be committed
	if got := c.total(); got.settled != 0 {
		t.Fatalf("settled before its commit: %s", printed)
	}
	c.setCommitted(map[int32]int64{3: 8})
	if got := c.total(); got.settled != 1 || got.problems != 1 || !strings.Contains(printed.String(), "committed without an answer") {
		t.Fatalf("%+v\n%s", got, printed)
	}
}

func TestEveryBrokenPromiseIsAProblem(t *testing.T) {
	event := &kgo.Record{Key: []byte("k"), Value: []byte{}, Headers: []kgo.RecordHeader{header("a", "1")}}
	letter := func(change func(*kgo.Record)) *answer {
		r := &kgo.Record{Key: []byte("k"), Value: []byte{}, Headers: slices.Clone(event.Headers)}
		for _, name := range deadLetterHeaders {
			r.Headers = append(r.Headers, header(name, "x"))
		}
		change(r)
		return &answer{kind: deadLetter, reason: "not_json", record: r}
	}
	outcome := func(change func(*answer)) *answer {
		a := &answer{kind: retried, reason: "accepted", task: "538526", attempts: 1}
		change(a)
		return a
	}
	good, goodLetter := outcome(func(*answer) {}), letter(func(*kgo.Record) {})
	for name, c := range map[string]struct {
		want want
		facts
		problem string // empty: there is none
	}{
		"as expected":         {accepted, facts{answer: good, calls: 1, done: 1}, ""},
		"another reason":      {refused("rejected"), facts{answer: good, calls: 1, done: 0}, "expected retry_failed, rejected"},
		"no answer":           {accepted, facts{calls: 1, done: 1}, "without an answer"},
		"called twice":        {accepted, facts{answer: outcome(func(a *answer) { a.attempts = 2 }), calls: 2, done: 1}, "2 calls; expected 1"},
		"retried twice":       {accepted, facts{answer: good, calls: 1, done: 2}, "carried out 2 retries; expected 1"},
		"attempts miscounted": {accepted, facts{answer: outcome(func(a *answer) { a.attempts = 2 }), calls: 1, done: 1}, "2 attempts, MPC saw 1"},
		"another task":        {accepted, facts{answer: outcome(func(a *answer) { a.task = "1" }), calls: 1, done: 1}, "is for task 1"},
		"ignored, answered":   {want{kind: ignored}, facts{answer: good, calls: 0, done: 0}, "expected no answer"},
		"dead letter":         {unreadable("not_json"), facts{answer: goodLetter}, ""},
		"key":                 {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Key = nil })}, "key"},
		"empty became null":   {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Value = nil })}, "value"},
		"header lost":         {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Headers = r.Headers[1:] })}, "headers became"},
		"header changed":      {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Headers[0] = header("a", "2") })}, `header "a"`},
		"stray header":        {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Headers[1].Key = "b" })}, `header "b" was added`},
	} {
		s := example{want: c.want}.withTask(0)
		c.event = event
		got := strings.Join(s.problems(c.facts, true), "; ")
		if (c.problem == "") != (got == "") || !strings.Contains(got, c.problem) {
			t.Errorf("%s: problems %q, want %q", name, got, c.problem)
		}
	}
}
