package ledger

import (
	"context"
	"fmt"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// cutOff starts a catch-up that ends after the given number of pages, and reports whether
// that was before its end.
func (w *world) cutOff(pages int, a consumer.Assignment) (cut bool) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	w.log.mu.Lock()
	last := w.log.pages + pages
	w.log.read = func() {
		w.log.mu.Lock()
		defer w.log.mu.Unlock()
		if w.log.err = nil; w.log.pages >= last {
			w.log.err = context.Canceled
			cancel()
		}
	}
	w.log.mu.Unlock()
	err := w.CatchUp(ctx, a)
	w.log.read = nil
	w.log.fail(nil)
	return err != nil
}

// A starting fleet rebalances again and again.
func TestACatchUpThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	for name, since := range map[string]time.Duration{"with Since": time.Minute, "without": 0} {
		t.Run(name, func(t *testing.T) {
			before(t, func(w *world) {
				const n = 900
				for i := range int64(n) { // 300 pages
					w.publish(outcome(fmt.Sprint(i), events.Accepted, event(int(i%4), i), cover(int(i%4), i+1)))
				}
				a := consumer.Assignment{Partitions: []int{0, 1}, TopicPartitions: 4, Committed: map[int]int64{}}
				if since > 0 {
					a.Since = time.Now().Add(-since)
				}
				for range 60 {
					if !w.cutOff(10, a) {
						break
					}
				}
				w.expect("caught up", w.Status().CaughtUp, true)
				if w.log.pages > 400 {
					w.Errorf("%d pages were read", w.log.pages)
				}
				for i := range int64(n) {
					if p := int(i % 4); p < 2 {
						w.expect("answered", w.Answered(event(p, i)), true)
					}
					w.expect("retries", w.Retries(fmt.Sprint(i)), 1)
				}
			})
		})
	}
}

// Decisions read before are known. Answers about a partition that is assigned only now are
// not.
func TestPartitionsThatComeWhileACatchUpIsCutOffHaveAllTheirAnswers(t *testing.T) {
	before(t, func(w *world) {
		const n = 300
		for i := range int64(n) {
			w.publish(outcome(fmt.Sprint(i), events.Accepted, event(int(i%4), i), cover(int(i%4), i+1)))
		}
		for last, given := range [][]int{{0}, {0, 1}, {1, 2}, {0, 1, 2}, {3, 1}, {0, 3}} {
			w.cutOff(5+7*last, consumer.Assignment{Partitions: given, TopicPartitions: 4, Since: time.Now()})
		}
		w.catchUp(1, 2, 3)
		for i := range int64(n) {
			w.expect(fmt.Sprint("answered ", i), w.Answered(event(int(i%4), i)), i%4 > 0)
			w.expect("retries", w.Retries(fmt.Sprint(i)), 1)
		}
	})
}
