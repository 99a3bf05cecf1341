package sweep_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/sweep"
	"remux-retrier/mpcclient"
)

func TestAllPagesAreReadHoweverMPCCountsThem(t *testing.T) {
	for name, c := range map[string]struct {
		n, size  int
		total    func(page, n int) int
		requests int
	}{
		"a full last page":             {200, 100, all, 3},
		"a short last page":            {250, 100, all, 3},
		"none":                         {0, 100, all, 1},
		"no total":                     {250, 100, func(int, int) int { return 0 }, 3},
		"smaller pages than asked for": {250, 50, all, 5},
		"the total of a page, not all": {250, 100, func(page, n int) int { return min(100, n-100*page) }, 3},
	} {
		inWorld(t, func(w *world) {
			w.size, w.total = c.size, c.total
			for i := range c.n {
				w.fail(fmt.Sprint(i))
			}
			totals := w.must(nil)
			if totals.Published != c.n || totals.Requests != c.requests || totals.Changed {
				t.Errorf("%s: %+v", name, totals)
			}
		})
	}
}

func all(_, n int) int { return n }

func TestAListThatNeverEndsIsAnErrorAndPublishesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		page     func(n int) []mpcclient.ListedTask
		requests int
	}{
		"the same page for ever": {func(int) []mpcclient.ListedTask { return numbered(0, 100) }, 2},
		"the same short page":    {func(int) []mpcclient.ListedTask { return numbered(0, 3) }, 2},
		"new tasks for ever":     {func(n int) []mpcclient.ListedTask { return numbered(100*n, 100) }, 1000},
	} {
		inWorld(t, func(w *world) {
			w.api = func(q mpcclient.ListQuery) (mpcclient.TaskPage, error) {
				return mpcclient.TaskPage{Tasks: c.page(q.Page), Total: 1 << 30}, nil
			}
			totals, err := w.run(w.t.Context(), func(c *sweep.Config) { c.Since = time.Unix(0, 0) })
			if err == nil || !strings.Contains(err.Error(), "shorter range") || totals.Published > 0 || totals.Requests != c.requests {
				t.Errorf("%s: %+v, %v", name, totals, err)
			}
		})
	}
}

func TestAListWithMoreTextThanMemoryIsAnError(t *testing.T) {
	inWorld(t, func(w *world) {
		data := strings.Repeat("x", 4<<10)
		w.api = func(q mpcclient.ListQuery) (mpcclient.TaskPage, error) {
			tasks := numbered(100*q.Page, 100)
			for i := range tasks {
				tasks[i].UserData = data
			}
			return mpcclient.TaskPage{Tasks: tasks}, nil
		}
		if totals, err := w.run(w.t.Context(), nil); err == nil || totals.Requests > 200 {
			t.Errorf("%+v, %v", totals, err)
		}
	})
}

func TestATaskThatMovesBetweenPagesIsTakenOnceAndALossIsSaid(t *testing.T) {
	inWorld(t, func(w *world) {
		pages := [][]mpcclient.ListedTask{numbered(0, 100), append(numbered(99, 1), numbered(120, 60)...)}
		totals := []int{200, 160}
		w.api = func(q mpcclient.ListQuery) (mpcclient.TaskPage, error) {
			return mpcclient.TaskPage{Tasks: pages[q.Page], Total: totals[q.Page]}, nil
		}
		got := w.must(nil)
		if got.Published != 160 || !got.Changed {
			t.Errorf("%+v", got)
		}
	})
}

func TestOnlyFailuresWithinTheRangeAreTaken(t *testing.T) {
	inWorld(t, func(w *world) {
		now := time.Now().UTC()
		for id, ended := range map[string]time.Time{
			"before": now.Add(-25 * time.Hour), "first": now.Add(-24 * time.Hour), "mid": now.Add(-time.Hour), "last": now.Add(-30 * time.Minute), "after": now.Add(-29 * time.Minute),
			"unknown": {},
		} {
			w.tasks = append(w.tasks, mpcclient.ListedTask{Task: mpcclient.Task{ID: id, Status: mpcclient.StatusFailed}, EndTime: ended})
		}
		w.tasks = append(w.tasks, mpcclient.ListedTask{Task: mpcclient.Task{ID: "runs", Status: mpcclient.StatusProcessing}})
		w.must(func(c *sweep.Config) { c.Until = now.Add(-30 * time.Minute) })
		w.want("first", "last", "mid", "unknown")
		q := w.asked[0]
		if q.Status != mpcclient.StatusFailed || !q.Since.Before(now.Add(-24*time.Hour)) || !q.Until.After(now.Add(-30*time.Minute)) {
			t.Errorf("asked for %+v", q)
		}
	})
}

// MPC's clock may be ahead of this machine's.
func TestWhatHasJustFailedIsTaken(t *testing.T) {
	inWorld(t, func(w *world) {
		w.tasks = []mpcclient.ListedTask{{Task: mpcclient.Task{ID: "1", Status: mpcclient.StatusFailed}, EndTime: time.Now().Add(30 * time.Second)}}
		w.must(nil)
		w.want("1")
	})
}

func TestEntriesThatAreNoTasksHoldUpNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		w.api = func(mpcclient.ListQuery) (mpcclient.TaskPage, error) {
			return mpcclient.TaskPage{Tasks: append(numbered(0, 2), named("a b"), named("\x1b[2J")), Odd: 3, Total: 7}, nil
		}
		totals := w.must(nil)
		if totals.Published != 2 || totals.Skipped != 5 || len(w.skipped) != 3 {
			t.Errorf("%+v, %q", totals, w.skipped)
		}
	})
}

func TestMPCIsAskedAtTheIntervalAndNoOftener(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(strings.Fields(strings.Repeat("x ", 450))...)
		began := time.Now()
		w.must(func(c *sweep.Config) { c.Interval = 12 * time.Second })
		if took := time.Since(began); took != 48*time.Second {
			t.Errorf("five pages took %v", took)
		}
	})
}

func TestAnOutageIsWaitedForAndAnOperatorsErrorIsNot(t *testing.T) {
	throttled := &mpcclient.Error{Operation: mpcclient.OperationList, Class: mpcclient.Throttled, Status: 429, RetryAfter: 20 * time.Second}
	for name, c := range map[string]struct {
		err      error
		times    int
		requests int
		fails    bool
	}{
		"throttled for a while": {throttled, 3, 4, false},
		"down for long":         {&mpcclient.Error{Class: mpcclient.Transient}, 1000, 6, true},
		"not permitted":         {&mpcclient.Error{Class: mpcclient.Operator, Status: 403}, 1000, 1, true},
		"refused":               {&mpcclient.Error{Class: mpcclient.InvalidTask, Status: 400}, 1000, 1, true},
		"to be left alone":      {&mpcclient.Error{Class: mpcclient.Throttled, RetryAfter: time.Hour}, 1000, 1, true},
	} {
		inWorld(t, func(w *world) {
			w.fail("1")
			w.failing, w.times = c.err, c.times
			began := time.Now()
			totals, err := w.run(w.t.Context(), nil)
			if errors.Is(err, c.err) != c.fails || totals.Requests != c.requests || time.Since(began) > 5*time.Minute {
				t.Errorf("%s: %+v, %v after %v", name, totals, err, time.Since(began))
			}
			if errors.Is(c.err, throttled) && time.Since(began) < time.Minute {
				t.Errorf("%s: it does not wait for as long as MPC asks for: %v", name, time.Since(began))
			}
		})
	}
}
