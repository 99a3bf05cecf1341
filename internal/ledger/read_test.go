package ledger

import (
	"bytes"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
)

func TestRecordsThatAreNotOursAreSkippedAndCounted(t *testing.T) {
	run(t, func(w *world) {
		other := outcome("1", events.Accepted, event(0, 0), cover(0, 9))
		other.Origin = events.OriginOf("another group")
		elsewhere := outcome("1", events.Accepted, event(0, 0), cover(0, 9))
		elsewhere.Source.Topic = "another.topic"
		w.publish(other, elsewhere)
		w.log.append(retried, 0, consumer.Record{})
		w.log.append(retried, 0, consumer.Record{Key: []byte("1"), Value: []byte(`{"task_id":"1","outcome":"retried"}`)})
		w.log.append(retried, 1, consumer.Record{LeftOut: &consumer.LeftOut{Size: 300e6, Why: "the record has 300000000 bytes"}})
		w.log.append(refused, 2, consumer.Record{Headers: []consumer.Header{{Key: "ce_id", Value: []byte("\xff")}, {Key: "ce_source", Value: []byte(origin)}}})
		w.publish(outcome("2", events.Accepted, event(0, 1), cover(0, 2)))
		w.follow()
		s := w.Status()
		w.expect("foreign, unreadable", []any{s.Foreign, s.Unreadable}, []any{2, 4})
		w.expect("answered", []any{w.Answered(event(0, 0)), w.Answered(event(0, 1)), s.Answered}, []any{false, true, 1})
		w.expect("retries", []any{w.Retries("1"), w.Retries("2")}, []any{0, 1})
		w.expect("said", len(w.said.AllEntries()), 1)
	})
}

// Whatever another version writes into the value, the event is answered.
func TestOutcomeOfAnotherFormatStillAnswers(t *testing.T) {
	run(t, func(w *world) {
		for offset, change := range [][2]string{
			{`"accepted"`, `"postponed"`}, {`"decided_at"`, `"at"`}, {`{`, `[`}, {`"retried"`, `"retry_failed"`},
		} {
			r := record(w, outcome("1", events.Accepted, event(0, int64(offset)), cover(0, 9)))
			r.Value = bytes.Replace(r.Value, []byte(change[0]), []byte(change[1]), 1)
			w.log.append(retried, 0, r)
		}
		r := record(w, outcome("1", events.Accepted, event(0, 4), cover(0, 9)))
		r.Value = bytes.Replace(r.Value, []byte(`{`), []byte(`{"added":{"later":[1]},`), 1)
		w.log.append(retried, 0, r)
		w.follow()
		for offset := range int64(5) {
			w.expect("answered", w.Answered(event(0, offset)), true)
		}
		w.expect("unreadable", w.Status().Unreadable, 4)
		w.expect("with fields that were added", w.Retries("1"), 1)
	})
}

func TestOwnDecisionIsNotCountedAgainWhenItIsReadBack(t *testing.T) {
	run(t, func(w *world) {
		o := outcome("1", events.Accepted, event(0, 0), cover(0, 1))
		o.DecidedAt = o.DecidedAt.Add(123456 * time.Nanosecond) // the log keeps milliseconds
		w.Decided(o)
		w.expect("decided", []any{w.Retries("1"), w.Answered(event(0, 0))}, []any{1, false})
		w.publish(o, o)
		w.follow()
		w.expect("published, twice", []any{w.Retries("1"), w.Answered(event(0, 0)), w.Status().Decisions}, []any{1, true, 1})
	})
}

// A former owner's last outcome of an event may be read after its successor has called for
// the event: the successor's call answers the events that arrived in between.
func TestCallForAnEventThatIsAnsweredMeanwhileCoversAndCounts(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 4), cover(0, 10)))
		w.follow()
		time.Sleep(time.Second)
		asked := outcome("1", events.AlreadyRunning, event(0, 4), cover(0, 10))
		asked.Attempts, asked.AcceptedRetry = 0, true
		w.Decided(asked)
		w.expect("the state is that retry's", w.Retries("1"), 1)
		time.Sleep(time.Second)
		called := outcome("1", events.Accepted, event(0, 4), cover(0, 11))
		w.Decided(called)
		_, covered := w.Covering("1", event(0, 10))
		w.expect("called", []any{w.Retries("1"), covered}, []any{2, true})
		w.publish(called)
		w.follow()
		w.expect("read back", w.Retries("1"), 2)
	})
}

// What counted and covered must still do so after a restart, in whatever order the outcomes
// of an event arrive.
func TestSeveralDecisionsAboutAnEventAreReadBackAsTheyWereMade(t *testing.T) {
	run(t, func(w *world) {
		var made []events.Outcome
		for i, attempts := range []int{1, 1, 0} {
			o := outcome("1", events.Accepted, event(0, 4), cover(0, int64(10+i)))
			if o.Attempts = attempts; attempts == 0 {
				o.Reason, o.AcceptedRetry = events.AlreadyRunning, true
			}
			made = append(made, o)
			time.Sleep(time.Second)
		}
		for _, i := range []int{2, 0, 1} { // the state query's answer first
			w.publish(made[i])
			w.follow()
		}
		_, covered := w.Covering("1", event(0, 11))
		w.expect("read back", []any{w.Retries("1"), covered}, []any{2, true})
	})
}

// Most of what is read back is this instance's own, at times thousands a second: it must
// create no garbage.
func TestOwnOutcomesAreReadBackWithoutAllocating(t *testing.T) {
	run(t, func(w *world) {
		decided := outcome("538526", events.Accepted, event(0, 0), cover(0, 1))
		covered := outcome("538526", events.Covered, event(0, 1))
		for _, o := range []events.Outcome{decided, covered} {
			w.Decided(o)
			r := record(w, o)
			r.Time = time.Now()
			w.take(&r, true)
			if n := testing.AllocsPerRun(100, func() { w.take(&r, true) }); n != 0 {
				w.Errorf("%s: %v allocations", o.Reason, n)
			}
		}
	})
}

// BenchmarkMillionOutcomes measures reading and keeping a window of a million accepted
// retries, each of a different task.
func BenchmarkMillionOutcomes(b *testing.B) {
	const million = 1_000_000
	now := time.Now()
	nothing, _ := test.NewNullLogger()
	for b.Loop() {
		l, err := New(Config{
			Client: &fakeLog{}, OutcomeTopics: []string{retried}, FailedTopic: failed, Origin: origin, Window: 24 * time.Hour,
			Clock: clock.System, Rand: func() float64 { return 0 }, Logger: nothing,
		})
		if err != nil {
			b.Fatal(err)
		}
		before := heapInUse()
		var reading time.Duration
		for i := range int64(million) {
			r := record(b, outcome(strconv.FormatInt(500_000_000+i, 10), events.Accepted, event(int(i%8), i/8), cover(int(i%8), i)))
			r.Time = now
			began := time.Now()
			l.take(&r, true)
			reading += time.Since(began)
		}
		if got := l.Status().Decisions; got != million {
			b.Fatalf("kept %d", got)
		}
		b.ReportMetric(float64(heapInUse()-before)/million, "bytes/outcome")
		b.ReportMetric(million/reading.Seconds(), "outcomes/s")
		runtime.KeepAlive(l)
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
