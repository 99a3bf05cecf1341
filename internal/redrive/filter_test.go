package redrive_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/redrive"
)

func byReason(reason events.Defect) func(*redrive.Config) {
	return func(c *redrive.Config) { c.Filter.Reason = reason }
}

func TestAFilteredRunLosesNothingOfTheRest(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		for i := range 300 {
			w.dead(0, letter([]events.Defect{events.NoTaskID, events.NotJSON, events.TooDeep}[i%3], fmt.Sprint("k", i), fmt.Sprint(i)))
		}
		first := w.must(func(c *redrive.Config) { c.Filter.Reason, c.Limit = events.NotJSON, 30 })
		if first.Redriven != 30 || first.Others == 0 || !first.LimitReached {
			t.Errorf("first: %+v", first)
		}
		if second := w.must(byReason(events.NotJSON)); second.Redriven != 70 {
			t.Errorf("the same filter again: %+v", second)
		}
		if task := w.must(func(c *redrive.Config) { c.Filter.Task = "k0" }); task.Redriven != 1 {
			t.Errorf("one task: %+v", task)
		}
		if rest := w.must(nil); rest.Redriven != 199 || rest.Before != 101 {
			t.Errorf("the rest: %+v", rest)
		}
		w.want(numbers(300))
		if after := w.must(byReason(events.TooDeep)); after.Redriven != 0 {
			t.Errorf("after all: %+v", after)
		}
	})
}

func TestAnUnfilteredRunThatIsInterruptedKeepsWhatFiltersDid(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		for i := range 300 {
			w.dead(0, letter([]events.Defect{events.NoTaskID, events.NotJSON}[i%2], fmt.Sprint("k", i), fmt.Sprint(i)))
		}
		w.must(byReason(events.NotJSON))
		w.must(func(c *redrive.Config) { c.Limit = 40 })
		w.must(nil)
		w.want(numbers(300))
	})
}

func TestAFilteredRunComesBackForWhatCameSince(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.dead(0, letter(events.NotJSON, "k", "0"), letter(events.NoTaskID, "k", "1"))
		w.must(byReason(events.NotJSON))
		w.dead(0, letter(events.NotJSON, "k", "2"))
		if again := w.must(byReason(events.NotJSON)); again.Redriven != 1 {
			t.Errorf("%+v", again)
		}
		w.want([]string{"0", "2"})
	})
}

func TestATaskIsFoundByKeyOrMention(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.dead(0,
			letter(events.NotJSON, "538526", "keyed"),
			letter(events.TwoTaskIDs, "", `{"task_id":"538526","task_id":"1"}`),
			letter(events.TwoTaskIDs, "", `{"task_id":5385260}`),
			letter(events.TwoTaskIDs, "", `{"task_id":"x-538526"}`),
			letter(events.NotJSON, "", "538526"),
			letter(events.NotJSON, "", `{"task":"538526538526"}`),
		)
		w.must(func(c *redrive.Config) { c.Filter.Task = "538526" })
		w.want([]string{"538526", "keyed", `{"task_id":"538526","task_id":"1"}`})
	})
}

func TestHostileFiltersSurviveTheCommit(t *testing.T) {
	for _, task := range []string{"a b@c=d&reason=x", "end", "ü%20", "@", strings.Repeat("é", 64), `"quoted"`, "a+b"} {
		inWorld(t, 1, func(w *world) {
			w.dead(0, letter(events.NotJSON, task, "mine"), letter(events.NotJSON, "k", "other"))
			filter := func(c *redrive.Config) { c.Filter.Task = task }
			w.must(filter)
			if again := w.must(filter); again.Redriven != 0 || again.Read != 2 {
				t.Errorf("%q is forgotten: %+v", task, again)
			}
			w.must(nil)
			if got := w.redriven(); !slices.Equal(got, []string{"mine", "other"}) {
				t.Errorf("%q: %q", task, got)
			}
		})
	}
}

func TestMoreFiltersThanACommitCanNoteAreRefusedBeforeAnythingIsRepeated(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 2)
		var err error
		runs := 0
		for ; err == nil && runs < 1000; runs++ {
			_, err = w.run(context.Background(), &recorder{}, func(c *redrive.Config) { c.Filter.Task = strings.Repeat("é", 40) + fmt.Sprint(runs) })
		}
		if err == nil || !strings.Contains(err.Error(), "run it once without a filter") || runs < 10 {
			t.Errorf("after %d runs: %v", runs, err)
		}
		w.must(nil)
		w.want(numbers(2))
		at, _ := w.b.Position(0)
		if at.Offset != 2 || at.Metadata != "redrive1 end" {
			t.Errorf("committed %+v", at)
		}
	})
}

func TestWhatAFilteredRunLeftIsNotSaidToBePutBack(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		headerless := letter(events.NoTaskID, "k", "headerless")
		headerless.Headers = nil
		w.dead(0,
			letter(events.NoTaskID, "k", "often", events.Header{Key: "dead-letter-count", Value: []byte("4")}),
			letter(events.NoTaskID, "k", "once"),
			headerless,
			letter(events.NoTaskID, "other", "rest"),
		)
		run := func(change func(*redrive.Config), redriven, skipped, others, before int) {
			t.Helper()
			e := &recorder{}
			got, err := w.run(context.Background(), e, change)
			if err != nil || got.Redriven != redriven || got.Skipped != skipped || got.Others != others || got.Before != before || got.Read != got.Of {
				t.Errorf("%+v, %v", got, err)
			}
			if len(e.skipped) != skipped || skipped > 0 && !strings.Contains(e.skipped[0], "often: it came back: it has been a dead letter 5 times") {
				t.Errorf("reported %q", e.skipped)
			}
		}
		byTask := func(c *redrive.Config) { c.Filter.Task = "k" }
		run(byTask, 1, 2, 1, 0)
		run(byTask, 0, 0, 0, 0) // it begins where the first run has ended
		run(func(c *redrive.Config) { c.Filter.Task = "other"; c.Limit = 1 }, 1, 0, 3, 0)
		run(nil, 0, 2, 0, 2)
		run(nil, 0, 0, 0, 0)
		w.want([]string{"once", "rest"})
		if at, _ := w.b.Position(0); at.Offset != 4 {
			t.Errorf("committed %+v", at)
		}
	})
}
