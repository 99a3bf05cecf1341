package ledger

import (
	"fmt"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"remux-retrier/events"
)

// For each event of a task the retrier asks for its cover and for the number of retries.
func TestTheManyDecisionsOfATaskCostNoMoreThanAFew(t *testing.T) {
	before(t, func(w *world) {
		cost := func(decisions int) time.Duration {
			task := strconv.Itoa(decisions)
			for i := range int64(decisions) {
				w.Decided(outcome(task, events.Accepted, event(0, i), cover(0, i+1)))
			}
			const asked = 2000
			began := cpuTime()
			for i := range int64(asked) {
				w.Covering(task, event(1, i))
				w.Retries(task)
				w.Decided(outcome(task, events.Rejected, event(0, i), cover(0, int64(decisions)+i)))
			}
			return (cpuTime() - began) / asked
		}
		few, many := cost(10), cost(100_000)
		w.Logf("an event costs %v with 10 decisions, %v with 100,000", few, many)
		if many > 20*few+20*time.Microsecond { // each walk of 100,000 takes a millisecond
			w.Errorf("an event costs %v with 10 decisions of its task, %v with 100,000", few, many)
		}
		w.expect("retries", w.Retries("100000"), 100_000)
	})
}

func TestOfATasksRefusalsOnlyTheOneThatCoversMostIsKept(t *testing.T) {
	before(t, func(w *world) {
		w.log.size = 500
		const n = 40_000
		for i := range int64(n) {
			time.Sleep(time.Millisecond)
			w.publish(outcome("1", events.Rejected, event(0, i), cover(0, i+1)))
		}
		began := cpuTime()
		w.catchUp(0)
		if took := cpuTime() - began; took > 10*time.Second {
			w.Errorf("the start took %v of CPU time", took)
		}
		w.expect("kept", w.Status().Decisions, 1)
		w.expect("all before it", []any{w.covering("1", event(0, 0)), w.covering("1", event(0, n-1)), w.covering("1", event(0, n))}, []any{events.Rejected, events.Rejected, ""})
	})
}

// Of two refusals, one may cover more and the other be later.
func TestARefusalIsReplacedOnlyByALaterOneThatCoversAllThatItDid(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("1", events.Rejected, event(0, 5), cover(0, 9), cover(1, 3)))
		w.follow()
		w.publish(outcome("1", events.AttemptsExhausted, event(0, 2), cover(0, 6), cover(1, 3)))
		w.follow()
		w.expect("the later one", w.covering("1", event(0, 5)), events.AttemptsExhausted)
		w.expect("the one that reaches further", w.covering("1", event(0, 8)), events.Rejected)
		w.publish(outcome("1", events.TaskNotFound, event(0, 9), cover(0, 12)))
		w.follow()
		w.expect("the latest", w.covering("1", event(0, 8)), events.TaskNotFound)
		w.expect("the other partition", w.covering("1", event(1, 2)), events.AttemptsExhausted)
		w.publish(outcome("1", events.Accepted, event(0, 12), cover(0, 13), cover(1, 4)))
		w.follow()
		w.expect("an accepted retry takes all places", []any{w.Status().Decisions, w.covering("1", event(1, 2))}, []any{1, events.Accepted})
	})
}

// Older versions wrote one cover for each partition.
func TestADecisionTakesAtMost250BytesWhateverItCovers(t *testing.T) {
	const n = 20_000
	before(t, func(w *world) {
		covers := make([]events.Cover, 64)
		for p := range covers {
			covers[p] = events.Cover{Partition: p, End: 10, LogID: 1_795_420_000_000}
		}
		most := uint64(0)
		start := heapInUse()
		for i := range int64(n) {
			task := strconv.FormatInt(500_000_000+i, 10)
			r := record(w, outcome(task, []events.Reason{events.Accepted, events.Rejected}[i%2], event(int(i%64), i), covers...))
			r.Time = time.Now()
			w.take(&r, true)
			if i%5000 == 4999 {
				most = max(most, (heapInUse()-start-manyCovers*32)/uint64(i+1))
			}
		}
		w.expect("kept", w.Status().Decisions, n)
		w.Logf("%d bytes a decision", most)
		if most > 250 {
			w.Errorf("%d bytes a decision", most)
		}
		o, _ := w.Covering("500019967", event(63, 9))
		w.expect("of many, the event's own partition is among what is kept", []any{o.Reason, o.Covers[0].Partition}, []any{events.Rejected, 63})
		runtime.KeepAlive(w.Ledger)
	})
}

func TestAFullLedgerForgetsTheOldestWhateverTopicTheyAreOn(t *testing.T) {
	before(t, func(w *world) {
		w.max = 50
		for i := range int64(200) {
			time.Sleep(time.Second)
			w.publish(outcome(fmt.Sprint("old", i), events.Rejected, event(0, i), cover(0, i+1)))
		}
		for i := range int64(50) {
			time.Sleep(time.Second)
			w.publish(outcome(fmt.Sprint("new", i), events.Accepted, event(0, 200+i), cover(0, 201+i)))
		}
		w.catchUp(0)
		for i := range 50 {
			w.expect("retries", w.Retries(fmt.Sprint("new", i)), 1)
		}
		w.expect("forgotten", []any{w.Status().Decisions, w.Status().Forgotten}, []any{50, 200})
	})
}

// Decisions outside the window are dropped before those that count.
func TestAFullLedgerForgetsWhatIsPastTheWindowFirst(t *testing.T) {
	before(t, func(w *world) {
		w.max = 2
		w.Decided(outcome("past", events.Accepted, event(0, 0), cover(0, 1)))
		time.Sleep(window + skew/2)
		w.Decided(outcome("1", events.Accepted, event(0, 1), cover(0, 2)))
		w.expire()
		w.Decided(outcome("2", events.Accepted, event(0, 2), cover(0, 3)))
		w.expect("kept", []any{w.covering("past", event(0, 0)), w.Retries("1"), w.Retries("2")}, []any{"accepted", 1, 1}) // its own, unpublished
		w.expect("decisions", []any{w.Status().Decisions, w.Status().Forgotten}, []any{2, 1})
	})
}

// Memory of an earlier peak is given back, and the remaining decisions are still found.
func TestMemoryIsGivenBackAfterAStorm(t *testing.T) {
	before(t, func(w *world) {
		w.catchUp(0)
		start := heapInUse()
		for i := range int64(100_000) {
			w.Decided(outcome(strconv.FormatInt(i, 10), events.Accepted, event(0, i), cover(0, i+1), cover(1, 5)))
			delete(w.own.unpublished, keyOf(event(0, i)))
		}
		time.Sleep(window)
		for i := range int64(1000) {
			w.Decided(outcome("late", events.Accepted, event(1, i), cover(0, i+1), cover(1, i+7)))
			delete(w.own.unpublished, keyOf(event(1, i)))
		}
		time.Sleep(window / 2)
		w.expire()
		w.expect("kept", []any{w.Status().Decisions, w.Retries("late"), w.Retries("7")}, []any{1000, 1000, 0})
		w.expect("covered", []any{w.covering("late", event(0, 999)), w.covering("late", event(1, 1005)), w.covering("late", event(0, 1000))}, []any{events.Accepted, events.Accepted, ""})
		walked := 0
		for range w.decisions.ofTask(idOf("late")) {
			walked++
		}
		w.expect("decisions of the task that are looked at", walked, maxWalk)
		if left := int64(heapInUse()) - int64(start); left > 2<<20 {
			w.Errorf("%d KiB are left", left>>10)
		}
		time.Sleep(2 * window)
		w.expire()
		w.expect("nothing", []any{w.Status().Decisions, w.Retries("late"), w.decisions.covers.len(), len(w.decisions.tasks)}, []any{0, 0, 0, 0})
		runtime.KeepAlive(w.Ledger)
	})
}

// cpuTime is the CPU time of this process so far: the test's clock is virtual.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
