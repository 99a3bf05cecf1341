package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/outcomes"
	"remux-retrier/internal/sweep"
	"remux-retrier/mpcclient"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// world is an MPC with failed tasks, and a failed topic, in virtual time.
type world struct {
	t     *testing.T
	tasks []mpcclient.ListedTask
	size  int                                                   // of MPC's pages
	total func(page, n int) int                                 // as MPC counts
	api   func(mpcclient.ListQuery) (mpcclient.TaskPage, error) // instead of tasks, where not nil
	asked []mpcclient.ListQuery

	failing error // of MPC, so many times
	times   int

	topic   []events.Message
	broken  error // of the next event to be written, which is written all the same
	skipped []string
	onEach  func() // after each event
	before  func() // each event is written
}

func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) { test(&world{t: t, size: 100, total: all}) })
}

func (w *world) List(_ context.Context, q mpcclient.ListQuery) (mpcclient.TaskPage, error) {
	w.asked = append(w.asked, q)
	if w.times > 0 {
		w.times--
		return mpcclient.TaskPage{}, w.failing
	}
	if w.api != nil {
		return w.api(q)
	}
	n := len(w.tasks)
	from := min(q.Page*w.size, n)
	return mpcclient.TaskPage{Tasks: w.tasks[from:min(from+w.size, n)], Total: w.total(q.Page, n)}, nil
}

func named(id string) mpcclient.ListedTask {
	return mpcclient.ListedTask{Task: mpcclient.Task{ID: id, Status: mpcclient.StatusFailed, ErrorCode: "MPC.10105"}, EndTime: time.Now().Truncate(time.Second)}
}

func numbered(from, n int) (all []mpcclient.ListedTask) {
	for i := range n {
		all = append(all, named(fmt.Sprint(from+i)))
	}
	return all
}

// fail has tasks fail; the id "x" means a new one.
func (w *world) fail(ids ...string) {
	for _, id := range ids {
		if id == "x" {
			id = fmt.Sprint("x", len(w.tasks))
		}
		w.tasks = append(w.tasks, named(id))
	}
}

// known is what the topics say: all that was published waits.
func (w *world) known(_ context.Context, _ time.Time, ids map[string]bool) (map[string]*outcomes.Task, error) {
	tasks := map[string]*outcomes.Task{}
	for _, m := range w.topic {
		if id := string(m.Key); ids[id] {
			tasks[id] = &outcomes.Task{ID: id, Ended: []time.Time{events.EndTime(m.Value)}}
		}
	}
	return tasks, nil
}

func (w *world) publish(ctx context.Context, m events.Message) (string, error) {
	if w.before != nil {
		w.before()
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	w.topic = append(w.topic, m)
	if err := w.broken; err != nil {
		w.broken = nil
		return "", err
	}
	if w.onEach != nil {
		w.onEach()
	}
	return "there", nil
}

func (w *world) Listed(int, int)                        {}
func (w *world) Published(mpcclient.ListedTask, string) {}
func (w *world) Skipped(id, why string)                 { w.skipped = append(w.skipped, id+": "+why) }
func (w *world) Progress(sweep.Totals)                  {}
func (w *world) Trouble(string)                         {}

func (w *world) run(ctx context.Context, change func(*sweep.Config)) (sweep.Totals, error) {
	w.t.Helper()
	cfg := sweep.Config{
		API: w, Known: w.known, Publish: w.publish, Since: time.Now().Add(-24 * time.Hour),
		Clock: clock.System, Rand: func() float64 { return .5 }, Listener: w,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := sweep.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Run(ctx)
}

// must is a run that nothing interrupts.
func (w *world) must(change func(*sweep.Config)) sweep.Totals {
	w.t.Helper()
	totals, err := w.run(w.t.Context(), change)
	if err != nil {
		w.t.Error(err)
	}
	return totals
}

// want checks the ids of the events that were published, each once.
func (w *world) want(ids ...string) {
	w.t.Helper()
	var got []string
	for _, m := range w.topic {
		got = append(got, string(m.Key))
	}
	slices.Sort(got)
	slices.Sort(ids)
	if !slices.Equal(got, ids) {
		w.t.Errorf("events of %q, want %q", got, ids)
	}
}

func TestASecondSweepPublishesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail("1", "2", "3")
		w.tasks[1].Description, w.tasks[1].UserData = "Please retry.", "mine"
		if got := w.must(nil); got.Published != 3 || got.Known != 0 {
			t.Errorf("%+v", got)
		}
		if got := w.must(nil); got.Published != 0 || got.Known != 3 || got.Done != 3 {
			t.Errorf("%+v", got)
		}
		w.want("1", "2", "3")
		want := fmt.Sprintf(`{"task_id":"2","error_code":"MPC.10105","description":"Please retry.","user_data":"mine","end_time":%q}`, w.tasks[1].EndTime.UTC().Format("20060102150405"))
		if got := string(w.topic[1].Value); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAnInterruptedSweepStartedAgainRepeatsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		var ids []string
		for i := range 250 {
			ids = append(ids, fmt.Sprint("t", i))
		}
		w.fail(ids...)
		for runs := 0; len(w.topic) < len(ids); runs++ {
			ctx, cancel := context.WithCancel(w.t.Context())
			until := len(w.topic) + 60
			w.onEach = func() {
				if len(w.topic) == until {
					cancel()
				}
			}
			totals, err := w.run(ctx, nil)
			if len(w.topic) < len(ids) && (!errors.Is(err, context.Canceled) || totals.Published != 60) || runs > 5 {
				t.Fatalf("%+v, %v", totals, err)
			}
			cancel()
		}
		w.want(ids...)
	})
}

func TestAnInterruptCutsNoWriteShort(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail("1", "2")
		ctx, cancel := context.WithCancel(w.t.Context())
		w.before = cancel
		totals, err := w.run(ctx, nil)
		if !errors.Is(err, context.Canceled) || totals.Published != 1 {
			t.Errorf("%+v, %v", totals, err)
		}
		w.want("1")
	})
}

// The event may be in the topic although its write was not acknowledged.
func TestAnEventOfUnknownFateIsNotRepeated(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail("1", "2")
		w.broken = errors.New("no answer")
		if totals, err := w.run(w.t.Context(), nil); err == nil || totals.Published != 0 {
			t.Errorf("%+v, %v", totals, err)
		}
		w.must(nil)
		w.want("1", "2")
	})
}

func TestANewFailureOfAPublishedTaskIsPublished(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail("1")
		w.must(nil)
		time.Sleep(time.Hour)
		w.tasks = nil
		w.fail("1")
		w.must(nil)
		w.want("1", "1")
	})
}

// Such a task is listed for as long as MPC's list reaches back. What was published about
// it must be found for as long.
func TestATaskWithoutAnEndTimeIsPublishedOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail("1")
		w.tasks[0].EndTime = time.Time{}
		published := time.Now()
		w.must(nil)
		time.Sleep(30 * time.Hour)
		w.must(func(c *sweep.Config) {
			c.Known = func(ctx context.Context, since time.Time, ids map[string]bool) (map[string]*outcomes.Task, error) {
				if since.After(published) {
					return nil, nil
				}
				return map[string]*outcomes.Task{"1": {ID: "1", Retried: published.Add(time.Second)}}, nil
			}
		})
		w.want("1")
	})
}

func TestLimitAndRateAreKeptAndADryRunWritesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(strings.Fields(strings.Repeat("x ", 50))...)
		if got := w.must(func(c *sweep.Config) { c.Dry, c.Rate = true, 1 }); got.Published != 50 || len(w.topic) != 0 {
			t.Errorf("a dry run: %+v, %d events", got, len(w.topic))
		}
		began := time.Now()
		got := w.must(func(c *sweep.Config) { c.Limit, c.Rate = 30, 10 })
		if took := time.Since(began); got.Published != 30 || !got.LimitReached || len(w.topic) != 30 || took != 2900*time.Millisecond {
			t.Errorf("%+v, %d events after %v", got, len(w.topic), took)
		}
		if got := w.must(nil); got.Published != 20 || got.Known != 30 {
			t.Errorf("the rest: %+v", got)
		}
	})
}

func TestWithoutTheTopicsNothingIsPublished(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail("1")
		away := errors.New("the brokers are away")
		_, err := w.run(w.t.Context(), func(c *sweep.Config) {
			c.Known = func(context.Context, time.Time, map[string]bool) (map[string]*outcomes.Task, error) { return nil, away }
		})
		if !errors.Is(err, away) {
			t.Error(err)
		}
		w.want()
	})
}
