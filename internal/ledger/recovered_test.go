package ledger

import (
	"testing"
	"time"

	"remux-retrier/events"
)

const recovered = "remux.recovered"

// runRecovering is run with a topic of recoveries.
func runRecovering(t *testing.T, story func(w *world)) { runWith(t, recovered, story) }

// recovery returns what to publish for a success; without a retry it is empty.
func (w *world) recovery(task string, e events.Source) events.Recovery {
	w.Helper()
	r, ok := w.Recovery(task, e)
	if ok != (r.Retries > 0) {
		w.Errorf("%v: %+v", ok, r)
	}
	return r
}

// tell publishes a recovery as another member does.
func (w *world) tell(r events.Recovery) {
	w.Helper()
	r.RecoveredAt = time.Now()
	m, err := r.Encode()
	if err != nil {
		w.Fatal(err)
	}
	w.log.append(recovered, 0, recordOf(m))
}

func TestASuccessIsARecoveryOnlyAfterARetryOfOursInTheWindow(t *testing.T) {
	runRecovering(t, func(w *world) {
		first := outcome("1", events.Accepted, event(0, 3), cover(0, 5))
		w.publish(first, outcome("2", events.Rejected, event(0, 4), cover(0, 5)), outcome("3", events.AlreadyRunning, event(0, 5), cover(0, 6)))
		w.follow()
		w.expect("without a retry", w.recovery("4", event(0, 9)).Retries, 0)
		w.expect("after a refusal", w.recovery("2", event(0, 9)).Retries, 0)
		w.expect("after another caller's retry", w.recovery("3", event(0, 9)).Retries, 0)
		w.expect("told before the failure was", w.recovery("1", event(0, 2)).Retries, 0)
		w.expect("after a retry", w.recovery("1", event(0, 9)), events.Recovery{
			TaskID: "1", Source: event(0, 9), Retries: 1, FirstFailedAt: event(0, 3).Time,
			Retry: events.Retry{Source: event(0, 3), DecidedAt: first.DecidedAt}, Origin: origin,
		})
		w.publish(outcome("5", events.Accepted, event(0, 6), cover(0, 7)))
		w.follow()
		time.Sleep(window)
		w.expect("after the window", w.recovery("5", event(0, 9)).Retries, 0)
	})
}

func TestARecoveryTellsOfAllRetriesAndCompletesTheLast(t *testing.T) {
	runRecovering(t, func(w *world) {
		w.Decided(outcome("1", events.Accepted, event(0, 3), cover(0, 4)))
		time.Sleep(time.Second)
		doubted := outcome("1", events.AlreadyRunning, event(0, 5), cover(0, 9))
		doubted.AcceptedRetry = true
		w.Decided(doubted)
		r := w.recovery("1", event(0, 7)) // this event was in the log when the state was queried after a crash
		w.expect("retries", r.Retries, 2)
		w.expect("completes", r.Retry.Source, event(0, 5))
		w.expect("first failed", r.FirstFailedAt, event(0, 3).Time)
	})
}

// MPC's notifications may come several times, and records again after a crash.
func TestTheFirstSuccessAfterARetryIsToldAndNoOther(t *testing.T) {
	runRecovering(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 3), cover(0, 4)))
		w.follow()
		w.expect("the first", w.recovery("1", event(0, 5)).Retries, 1)
		w.expect("another", w.recovery("1", event(0, 6)).Retries, 0)
		w.expect("the first again", w.recovery("1", event(0, 5)).Retries, 1)
		time.Sleep(time.Second)
		w.Decided(outcome("1", events.Accepted, event(0, 7), cover(0, 8)))
		w.expect("after another retry", w.recovery("1", event(0, 8)).Retry.Source, event(0, 7))
	})
}

func TestRecoveriesOfOthersAreReadBack(t *testing.T) {
	runRecovering(t, func(w *world) {
		o := outcome("1", events.Accepted, event(0, 3), cover(0, 4))
		w.tell(events.Recovery{TaskID: "1", Source: event(0, 5), Retries: 1, Retry: events.Retry{Source: o.Source, DecidedAt: o.DecidedAt}, Origin: origin})
		w.publish(o)
		for _, when := range []string{"followed", "read at the start"} {
			w.follow()
			w.expect(when+": answered", w.Answered(event(0, 5)), true)
			w.expect(when+": told", w.recovery("1", event(0, 6)).Retries, 0)
			w.restart()
			w.catchUp(0, 1)
		}
		w.log.append(recovered, 1, record(w, o))
		w.log.append(recovered, 1, recordOf(events.Message{Key: []byte("1"), Value: []byte("x")}))
		w.catchUp(0, 1)
		w.expect("strangers' records", w.Status().Unreadable, 2)
	})
}

func TestOwnRecoveriesAreNotReadBack(t *testing.T) {
	runRecovering(t, func(w *world) {
		w.Decided(outcome("1", events.Accepted, event(0, 3), cover(0, 4)))
		w.tell(w.recovery("1", event(0, 5)))
		w.Published(recovered, 0, 0, event(0, 5))
		pages := w.log.pages
		w.follow()
		w.expect("pages", w.log.pages-pages, 0)
		w.expect("answered", w.Answered(event(0, 5)), true)
	})
}

func TestHoursTellWhatBecameOfTheRetries(t *testing.T) {
	runRecovering(t, func(w *world) {
		w.expect("at first", w.Hours(), []Hour(nil))
		began := time.Now().UTC().Truncate(time.Hour)
		first := outcome("1", events.Accepted, event(0, 3), cover(0, 4))
		w.Decided(first)
		w.publish(outcome("2", events.Accepted, event(0, 4), cover(0, 5)), outcome("3", events.Accepted, event(0, 5), cover(0, 6)))
		w.follow()
		w.expect("accepted", w.Hours(), []Hour{{began, 3, 0, 0}})
		again := outcome("1", events.BudgetExhausted, event(0, 6))
		again.PreviousRetry = &events.Retry{Source: event(0, 3), DecidedAt: first.DecidedAt}
		w.Decided(again)
		w.Decided(again)
		w.publish(again) // by another member, too
		w.recovery("2", event(0, 7))
		w.follow()
		w.expect("one of each", w.Hours(), []Hour{{began, 3, 1, 1}})
		hour := w.Hours()[0]
		recent, notHeardOf := hour.WithoutResult(hour.From.Add(2*time.Hour - time.Second))
		w.expect("recent at first", recent, 1)
		w.expect("not heard of at first", notHeardOf, 0)
		recent, notHeardOf = hour.WithoutResult(hour.From.Add(2 * time.Hour))
		w.expect("recent later", recent, 0)
		w.expect("not heard of later", notHeardOf, 1)
		w.recovery("1", event(0, 8)) // retried by hand since
		w.expect("recovered after all", w.Hours(), []Hour{{began, 3, 2, 0}})
		time.Sleep(2*time.Hour + skew + sweepEvery)
		w.follow()
		w.expect("after the window", w.Hours(), []Hour(nil))
		w.expect("kept", []int{len(w.Ledger.results.byRetry), len(w.Ledger.results.hours)}, []int{0, 0})
	})
}

// Otherwise the hour at the window's edge would count more results than retries.
func TestWhatBecameOfARetryLeavesTheWindowWithIt(t *testing.T) {
	runRecovering(t, func(w *world) {
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		began := time.Now().UTC()
		for n, task := range []string{"1", "2", "3"} {
			w.publish(outcome(task, events.Accepted, event(0, int64(n)), cover(0, 3)))
			w.follow()
			time.Sleep(10 * time.Minute)
		}
		w.recovery("1", event(0, 5))
		again := outcome("2", events.BudgetExhausted, event(0, 6))
		p, _ := w.RetryBefore("2", event(0, 6))
		again.PreviousRetry = &p
		w.publish(again)
		w.follow()
		w.expect("at first", w.Hours(), []Hour{{began, 3, 1, 1}})
		time.Sleep(time.Until(began.Add(window + 5*time.Minute)))
		w.expect("the first has left", w.Hours(), []Hour{{began, 2, 0, 1}})
		w.publish(outcome("4", events.Rejected, event(0, 9), cover(0, 10))) // tells that the clock is right
		w.restart()
		w.catchUp(0, 1)
		w.expect("read at the start", w.Hours(), []Hour{{began, 2, 0, 1}})
		time.Sleep(10 * time.Minute)
		w.expect("the second, too", w.Hours(), []Hour{{began, 1, 0, 0}})
	})
}

// A writer of outcomes could fill the memory for ever. A clock that was wrong for a moment
// writes such times too: until they are dropped the results count.
func TestEndsOfRetriesInTheFutureAreDroppedAfterAWindow(t *testing.T) {
	runRecovering(t, func(w *world) {
		o := outcome("1", events.Accepted, event(0, 3), cover(0, 4))
		o.DecidedAt = o.DecidedAt.Add(100 * window)
		w.publish(o)
		w.tell(events.Recovery{TaskID: "1", Source: event(0, 5), Retries: 1, Retry: events.Retry{Source: o.Source, DecidedAt: o.DecidedAt}, Origin: origin})
		again := outcome("2", events.Rejected, event(0, 6))
		again.PreviousRetry = &events.Retry{Source: event(0, 2), DecidedAt: o.DecidedAt}
		w.publish(again)
		w.follow()
		w.expect("told again", w.recovery("1", event(0, 7)).Retries, 0)
		time.Sleep(window + skew + 2*sweepEvery)
		w.expect("kept", []int{len(w.Ledger.results.byRetry), len(w.Ledger.results.hours)}, []int{0, 0})
	})
}

func TestWithoutTheTopicNothingIsKeptOfTheRetriesEnds(t *testing.T) {
	run(t, func(w *world) {
		o := outcome("1", events.Accepted, event(0, 3), cover(0, 4))
		o.PreviousRetry = &events.Retry{Source: event(0, 1), DecidedAt: o.DecidedAt}
		w.Decided(o)
		w.publish(o)
		w.follow()
		w.expect("hours", w.Hours(), []Hour(nil))
		w.expect("ends", w.Ledger.results == nil, true)
	})
}
