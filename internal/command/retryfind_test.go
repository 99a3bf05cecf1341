package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/outcomes"
)

func TestTasksAreFoundByTheirLatestOutcome(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	task := func(id string, ago time.Duration, reason events.Reason, failure, api string) *outcomes.Task {
		return &outcomes.Task{ID: id, RetryFailed: outcomes.Refusal{At: now.Add(-ago), Reason: reason, FailureCode: failure, APICode: api}}
	}
	tasks := map[string]*outcomes.Task{}
	for _, t := range []*outcomes.Task{
		task("a", 3*time.Hour, events.Rejected, "MPC.10105", "MPC.10212"),
		task("b", 2*time.Hour, events.BudgetExhausted, "MPC.10105", ""),
		task("c", time.Hour, events.Rejected, "", "MPC.10202"),
		task("old", 25*time.Hour, events.Rejected, "MPC.10105", ""),
		task("later", 2*time.Hour, events.Rejected, "MPC.10105", ""),
		task("waits", 2*time.Hour, events.Rejected, "MPC.10105", ""),
		task("spent", 2*time.Hour, events.BudgetExhausted, "MPC.10105", ""),
	} {
		tasks[t.ID] = t
	}
	tasks["a"].Retried = now.Add(-4 * time.Hour) // before the refusal
	tasks["later"].Retried = now.Add(-time.Hour)
	tasks["waits"].Waiting = true
	checkBudget := func(id string) error {
		if id == "spent" {
			return errors.New("spent")
		}
		return nil
	}
	for _, c := range []struct {
		reasons, codes string
		ids            []string
	}{
		{"rejected", "", []string{"a", "c"}},
		{"rejected,budget_exhausted", "", []string{"a", "b", "c"}},
		{"", "mpc.10105", []string{"a", "b"}},
		{"", "MPC.10212,MPC.10202", []string{"a", "c"}},
		{"rejected", "MPC.10105", []string{"a"}},
		{"expired", "", nil},
		{"", "MPC.1", nil},
	} {
		f := choose(tasks, now.Add(-24*time.Hour), listed(c.reasons), listed(c.codes), checkBudget)
		if !slices.Equal(f.ids(), c.ids) {
			t.Errorf("%q %q: %q, want %q", c.reasons, c.codes, f.ids(), c.ids)
		}
	}
	var out bytes.Buffer
	f := choose(tasks, now.Add(-24*time.Hour), nil, []string{"MPC.10105"}, checkBudget)
	f.tell(&out)
	want := "2 tasks found; 1 retried since; 1 already waiting for an answer; 1 left out: the budget is used up, --force overrides this\n" +
		"  a\trejected\tMPC.10105,MPC.10212\t2026-11-23T05:00:00Z\n  b\tbudget_exhausted\tMPC.10105\t2026-11-23T06:00:00Z\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestOfManyTasksASampleIsShown(t *testing.T) {
	var f found
	for i := range 1234 {
		f.tasks = append(f.tasks, &outcomes.Task{ID: fmt.Sprint(i, "\x1b"), RetryFailed: outcomes.Refusal{Reason: events.Rejected, FailureCode: "\x1b[2J"}})
	}
	var out bytes.Buffer
	f.tell(&out)
	if strings.Count(out.String(), "\n") != 7 || !strings.Contains(out.String(), "1234 tasks found\n") || !strings.HasSuffix(out.String(), "and 1229 more\n") || strings.Contains(out.String(), "\x1b") {
		t.Error(out.String())
	}
	out.Reset()
	f.list(&out, 100)
	if strings.Count(out.String(), "\n") != 100 {
		t.Errorf("%d lines for --limit 100", strings.Count(out.String(), "\n"))
	}
}

func TestOnlyYesIsAYes(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, " yes ": true, "": false, "\n": false, "n\n": false, "yes please\n": false, "yy\n": false} {
		got, err := confirm(t.Context(), Env{Stdin: strings.NewReader(answer), Stderr: io.Discard}, "?")
		if got != want || err != nil {
			t.Errorf("%q: %v, %v", answer, got, err)
		}
	}
}

func TestLimitAndRateHoldForTasksThatAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, err bytes.Buffer
		env := Env{Stdout: &out, Stderr: &err}
		ids := strings.Fields("no 1 2 no 3 4 5")
		began := time.Now()
		code := askAll(t.Context(), env, ids, retryOptions{limit: 3, rate: 2}, newProgress(env), askNone)
		if took := time.Since(began); code != exitFailed || out.String() != "1\tthere\n2\tthere\n3\tthere\n" || took != time.Second+500*time.Millisecond {
			t.Errorf("exit code %d, %q, after %v", code, out.String(), took)
		}
		if !strings.HasSuffix(err.String(), "stopped at --limit; not looked at: 2\n") {
			t.Error(err.String())
		}
	})
}

func askNone(_ context.Context, id string) (string, error) {
	if id == "no" {
		return "", errors.New("it is refused")
	}
	return "there", nil
}
