package redrive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/redrive"
	"remux-retrier/internal/simulation/memlog"
)

func TestTwoAtTheSameTimeShareTheWork(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		for p := range 4 {
			w.many(p, 100)
		}
		var running sync.WaitGroup
		for i := range 2 {
			r, err := redrive.New(w.config(&recorder{}, func(c *redrive.Config) { c.Rate = 50 }))
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Millisecond) // the second starts while the first works
				if _, err := r.Run(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		var want []string
		for range 4 {
			want = append(want, numbers(100)...)
		}
		slices.Sort(want)
		w.want(want)
	})
}

// failing makes operations of one kind fail a number of times, without effect.
func failing(op memlog.Operation, times int) memlog.Fault {
	return func(o memlog.Operation) (time.Duration, error, error) {
		if o == op && times > 0 {
			times--
			return 0, errors.New("a passing error"), nil
		}
		return 0, nil, nil
	}
}

func TestAProblemIsReportedAndRetried(t *testing.T) {
	for _, op := range []memlog.Operation{memlog.Produce, memlog.Fetch, memlog.Commit, memlog.Join, memlog.Committed} {
		t.Run(string(op), func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.many(0, 250)
				e := &recorder{}
				totals, err := w.run(context.Background(), e, func(c *redrive.Config) {
					c.Kafka.(*memlog.Member).SetFault(failing(op, 3))
				})
				if err != nil || totals.Redriven != 250 || !slices.Contains(e.problems, "a passing error") {
					t.Errorf("%+v, %v, %q", totals, err, e.problems)
				}
				w.want(numbers(250))
			})
		})
	}
}

// Otherwise it would be retried for ever.
func TestAMissingRightEndsTheRun(t *testing.T) {
	for _, op := range []memlog.Operation{memlog.Produce, memlog.Fetch, memlog.Commit, memlog.Join, memlog.Committed} {
		t.Run(string(op), func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.many(0, 250)
				began := time.Now()
				_, err := w.run(context.Background(), &recorder{}, func(c *redrive.Config) {
					c.Kafka.(*memlog.Member).SetFault(failing(op, 1_000_000))
					c.Permanent = func(err error) bool { return strings.Contains(err.Error(), "a passing error") }
				})
				if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "a passing error") || took > 10*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

func TestWhatTheTopicDoesNotTakeIsLeftAndHoldsUpNoOther(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.b.SetMaxBytes(failed, 200)
		for i := range 40 {
			w.dead(0, letter(events.NotJSON, "k", fmt.Sprint(i)))
			if i == 17 {
				w.dead(0, letter(events.NotJSON, "k", strings.Repeat("x", 300)))
			}
		}
		e := &recorder{}
		totals, err := w.run(context.Background(), e, nil)
		if err != nil || totals.Redriven != 40 || totals.Skipped != 1 || len(e.skipped) != 1 || !strings.Contains(e.skipped[0], "max.message.bytes") {
			t.Errorf("%+v, %v, %q", totals, err, e.skipped)
		}
		w.want(numbers(40))
	})
}

func TestAnInterruptDuringAnOutageEndsSoonAndLosesNothing(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 250)
		ctx, cancel := context.WithCancel(context.Background())
		e := &recorder{onProgress: func(t redrive.Totals) {
			if t.Redriven == 100 {
				w.b.SetUnreachable(true)
				time.AfterFunc(time.Minute, cancel)
			}
		}}
		began := time.Now()
		_, err := w.run(ctx, e, nil)
		if took := time.Since(began); !errors.Is(err, context.Canceled) || took > 75*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		w.b.SetUnreachable(false)
		w.must(nil)
		w.want(numbers(250))
	})
}

func TestATopicCreatedAnewIsReadFromItsStart(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 50)
		w.must(byReason(events.NoTaskID))
		w.must(nil)
		w.b.Delete(letters)
		w.b.Create(letters, 1)
		w.dead(0, letter(events.NoTaskID, "k", "new"))
		w.b.Commit(0, consumer.Position{Offset: 50, Metadata: "redrive1 reason=no_task_id@50 end"})
		w.must(nil)
		if got := w.redriven(); !slices.Contains(got, "new") {
			t.Errorf("%d records, none of them the new one", len(got))
		}
	})
}

func TestTheMetadataOfAnotherProgramIsRefused(t *testing.T) {
	for _, metadata := range []string{"remux1 clean end", "redrive1 reason=not_json@1", "redrive1 reason=x@-1 end", "redrive1 @5 end", "redrive1 a@b end", "redrive1 %zz@1 end", "redrive9 end", "x"} {
		inWorld(t, 1, func(w *world) {
			w.many(0, 3)
			w.b.Commit(0, consumer.Position{Offset: 1, Metadata: metadata})
			if _, err := w.run(context.Background(), &recorder{}, nil); err == nil || !strings.Contains(err.Error(), "reset the offsets") {
				t.Errorf("%q: %v", metadata, err)
			}
			w.want(nil)
		})
	}
}

// Records that retention deletes during a run are skipped.
func TestRecordsThatExpireMeanwhileArePassed(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		for range 3 {
			for range 300 {
				w.dead(0, letter(events.NoTaskID, "k", strings.Repeat("x", 4<<10)))
			}
		}
		e := &recorder{}
		e.onProgress = func(t redrive.Totals) {
			if t.Redriven > 0 {
				w.b.Retain(letters, 0, 800)
			}
		}
		totals, err := w.run(context.Background(), e, nil)
		if err != nil || totals.Read != 900 || totals.Redriven >= 900 || totals.Redriven < 100 {
			t.Errorf("%+v, %v", totals, err)
		}
	})
}

func TestWaitingForTheGroupIsExplained(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 3)
		killed := w.b.Member("killed")
		gen, err := killed.Join(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer gen.Release()
		killed.SetFault(func(memlog.Operation) (time.Duration, error, error) { return 0, errors.New("killed"), nil })
		e := &recorder{}
		if _, err := w.run(context.Background(), e, nil); err != nil {
			t.Fatal(err)
		}
		if len(e.problems) != 1 || !strings.Contains(e.problems[0], "KAFKA_SESSION_TIMEOUT") {
			t.Errorf("%q", e.problems)
		}
		w.want(numbers(3))
	})
}
