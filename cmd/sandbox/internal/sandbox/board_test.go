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

// stage is a board with one event of a task on it, at partition 3, offset 7.
func stage(t *testing.T, w want) (b *board, paper *bytes.Buffer) {
	t.Helper()
	paper = &bytes.Buffer{}
	b = newBoard(newPaper(paper), newTopics("").answers, true)
	mpc, err := mpcsim.New(mpcsim.Config{ProjectID: projectID, AccessKey: accessKey, SecretKey: secretKey})
	if err != nil {
		t.Fatal(err)
	}
	b.mpc = mpc
	event := scene{event: "plain", write: plain(text, failureCode), want: w}.cast(0)
	b.expect(event)
	r := event.record()
	r.Partition, r.Offset, r.Timestamp = 3, 7, time.Now()
	b.published(r)
	return b, paper
}

// rejection is an answer to the stage's event.
func rejection(id string) *answer {
	return &answer{kind: retryFailed, of: place{3, 7}, id: id, reason: "not_retryable", task: "538526"}
}

var noCall = want{kind: retryFailed, reason: "not_retryable"}

func TestAnAnswerThatComesBeforeItsEventIsMatched(t *testing.T) {
	b, _ := stage(t, noCall)
	early := rejection("2")
	early.of.offset = 8
	b.answered(early)
	if got := b.total(); got.settled != 0 {
		t.Fatalf("settled without an event: %+v", got)
	}
	next := scene{write: plain(text, failureCode), want: noCall}.cast(0)
	b.expect(next)
	r := next.record()
	r.Partition, r.Offset = 3, 8
	b.published(r)
	if got := b.total(); got.settled != 1 || got.broken != 0 {
		t.Fatalf("%+v", got)
	}
}

// A producer may have used the names; the service's headers stand behind its.
func TestADeadLettersPlaceIsWhatTheServiceSays(t *testing.T) {
	r := &kgo.Record{}
	for _, value := range []string{"1", "2"} {
		for _, name := range deadLetterHeaders {
			r.Headers = append(r.Headers, header(name, value))
		}
	}
	if a, err := readDeadLetter(r); err != nil || a.of != (place{2, 2}) || a.reason != "2" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestARepeatIsDroppedAndASecondAnswerIsNot(t *testing.T) {
	b, paper := stage(t, noCall)
	b.answered(rejection("1"))
	b.answered(rejection("1"))
	if got := b.total(); got.settled != 1 || got.repeats != 1 || got.broken != 0 {
		t.Fatalf("a repeat: %+v\n%s", got, paper)
	}
	b.answered(rejection("2"))
	if got := b.total(); got.broken != 1 || !strings.Contains(paper.String(), "answered again") {
		t.Fatalf("a second answer: %+v\n%s", got, paper)
	}
}

func TestOneIdForTwoEventsIsSaid(t *testing.T) {
	b, paper := stage(t, noCall)
	b.answered(rejection("1"))
	other := rejection("1")
	other.of.offset = 8
	b.answered(other)
	if got := b.total(); got.broken != 1 || !strings.Contains(paper.String(), "the same id") {
		t.Fatalf("%+v\n%s", got, paper)
	}
}

func TestAnEventCommittedWithoutAnAnswerIsSaid(t *testing.T) {
	b, paper := stage(t, noCall)
	b.committed(map[int32]int64{3: 7, 4: 100}) // 7 is the next to be committed
	if got := b.total(); got.settled != 0 {
		t.Fatalf("settled before its commit: %s", paper)
	}
	b.committed(map[int32]int64{3: 8})
	if got := b.total(); got.settled != 1 || got.broken != 1 || !strings.Contains(paper.String(), "committed without an answer") {
		t.Fatalf("%+v\n%s", got, paper)
	}
}

func TestEveryBrokenPromiseIsAComplaint(t *testing.T) {
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
		a := &answer{kind: retried, reason: "accepted", task: "538526", tries: 1}
		change(a)
		return a
	}
	good, goodLetter := outcome(func(*answer) {}), letter(func(*kgo.Record) {})
	for name, c := range map[string]struct {
		want want
		facts
		complaint string // empty: there is none
	}{
		"as expected":         {accepted, facts{answer: good, calls: 1, done: 1}, ""},
		"another reason":      {refused("rejected"), facts{answer: good, calls: 1, done: 0}, "expected retry_failed, rejected"},
		"no answer":           {accepted, facts{calls: 1, done: 1}, "without an answer"},
		"called twice":        {accepted, facts{answer: outcome(func(a *answer) { a.tries = 2 }), calls: 2, done: 1}, "2 calls; expected 1"},
		"retried twice":       {accepted, facts{answer: good, calls: 1, done: 2}, "carried out 2 retries; expected 1"},
		"attempts miscounted": {accepted, facts{answer: outcome(func(a *answer) { a.tries = 2 }), calls: 1, done: 1}, "2 attempts, MPC saw 1"},
		"another task":        {accepted, facts{answer: outcome(func(a *answer) { a.task = "1" }), calls: 1, done: 1}, "is for task 1"},
		"ignored, answered":   {want{kind: ignored}, facts{answer: good, calls: 0, done: 0}, "expected no answer"},
		"dead letter":         {unreadable("not_json"), facts{answer: goodLetter}, ""},
		"key":                 {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Key = nil })}, "key"},
		"empty became null":   {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Value = nil })}, "value"},
		"header lost":         {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Headers = r.Headers[1:] })}, "headers became"},
		"header changed":      {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Headers[0] = header("a", "2") })}, `header "a"`},
		"stray header":        {unreadable("not_json"), facts{answer: letter(func(r *kgo.Record) { r.Headers[1].Key = "b" })}, `header "b" was added`},
	} {
		s := scene{want: c.want}.cast(0)
		c.event = event
		got := strings.Join(s.complaints(c.facts, true), "; ")
		if (c.complaint == "") != (got == "") || !strings.Contains(got, c.complaint) {
			t.Errorf("%s: complaints %q, want %q", name, got, c.complaint)
		}
	}
}
