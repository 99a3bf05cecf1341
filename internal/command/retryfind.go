package command

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/config"
	"remux-retrier/internal/outcomes"
	"remux-retrier/internal/plain"
)

// outcomesConfig returns the configuration for reading the outcomes of many tasks.
func outcomesConfig(cfg config.Config, kafka *kafkalog.Client, since time.Time, show *progress) outcomes.Config {
	k := cfg.Kafka
	return outcomes.Config{
		Kafka: kafka, Failed: k.TopicFailed, Retried: k.TopicRetried, RetryFailed: k.TopicRetryFailed,
		Successes: k.TopicRecovered != "", Origin: events.OriginOf(k.GroupID), Since: since,
		Positions: func(ctx context.Context) (map[int]consumer.Position, error) {
			positions, err := kafka.Positions(ctx)
			if err != nil {
				show.clear()
				fmt.Fprintf(show.err, "the positions of the group are not known, so failure events that it has skipped count as waiting: %v\n", err)
			}
			return positions, err
		},
		Progress: func(read, total int64) {
			show.set(read, total, fmt.Sprintf("%d of about %d records read", read, total))
		},
	}
}

// budgets reads the accepted retries of many tasks together, which is faster than task by
// task.
func (a *retryRun) budgets(ctx context.Context, ids []string) error {
	if a.force || a.cfg.Retry.Budget == config.Unlimited || len(ids) <= oneByOne {
		return nil
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	tasks, err := outcomes.Of(ctx, outcomesConfig(a.cfg, a.kafka, time.Now().Add(-a.cfg.Retry.BudgetWindow), a.progress), wanted)
	a.end()
	if err != nil {
		return fmt.Errorf("the budgets are not known: %w", err)
	}
	a.accepted = map[string][]time.Time{}
	for id, t := range tasks {
		a.accepted[id] = t.Accepted
	}
	return nil
}

// findAndAsk finds tasks in the outcome topics, prints them, and asks for them after a
// confirmation, unless --yes is set.
func (a *retryRun) findAndAsk(ctx context.Context, env Env) int {
	now := time.Now()
	back := a.cfg.Retry.BudgetWindow
	if a.since > 0 {
		back = a.since
	}
	since := now.Add(-back)
	tasks, err := outcomes.Refused(ctx, outcomesConfig(a.cfg, a.kafka, now.Add(-max(back, a.cfg.Retry.BudgetWindow)), a.progress))
	a.end()
	if err != nil {
		return fail(env, err)
	}
	a.accepted = map[string][]time.Time{}
	for id, t := range tasks {
		windowStart := now.Add(-a.cfg.Retry.BudgetWindow)
		a.accepted[id] = slices.DeleteFunc(t.Accepted, func(at time.Time) bool { return at.Before(windowStart) })
	}
	f := choose(tasks, since, listed(a.reason), listed(a.code), func(id string) error { return a.checkBudget(ctx, id) })
	f.tell(env.Stderr)
	code := exitDone
	if f.budgetUsedUp > 0 {
		code = exitFailed
	}
	switch {
	case len(f.tasks) == 0:
		return code
	case a.dry:
		f.list(env.Stdout, a.limit)
		return code
	case !a.yes:
		n := len(f.tasks)
		if a.limit > 0 {
			n = min(n, a.limit)
		}
		yes, err := confirm(ctx, env, fmt.Sprintf("Publish %s?", plain.Count(n, "failure event")))
		if err != nil {
			return fail(env, err)
		}
		if !yes {
			fmt.Fprintln(env.Stderr, "nothing was published")
			return exitFailed
		}
	}
	return max(code, askAll(ctx, env, f.ids(), a.retryOptions, a.progress, a.ask))
}

// found are the tasks that --reason and --code find.
type found struct {
	tasks []*outcomes.Task // oldest refusal first
	// How many other tasks are left out because they were retried since, because a failure
	// event of theirs waits for its answer, or because their budget is used up.
	retriedSince, waiting, budgetUsedUp int
}

// choose returns the tasks whose latest outcome is a refusal, not older than since, with one
// of these reasons and one of these codes. No reasons or no codes: any. checkBudget
// returns an error for a task that has no budget left.
func choose(tasks map[string]*outcomes.Task, since time.Time, reasons, codes []string, checkBudget func(id string) error) (f found) {
	for _, t := range tasks {
		last := t.RetryFailed
		is := func(code string) bool {
			return strings.EqualFold(code, last.FailureCode) || strings.EqualFold(code, last.APICode)
		}
		switch {
		case last.At.Before(since), len(reasons) > 0 && !slices.Contains(reasons, string(last.Reason)),
			len(codes) > 0 && !slices.ContainsFunc(codes, is):
		case t.Retried.After(last.At):
			f.retriedSince++
		case t.Waiting:
			f.waiting++
		case checkBudget(t.ID) != nil:
			f.budgetUsedUp++
		default:
			f.tasks = append(f.tasks, t)
		}
	}
	slices.SortFunc(f.tasks, func(a, b *outcomes.Task) int {
		return cmp.Or(a.RetryFailed.At.Compare(b.RetryFailed.At), cmp.Compare(a.ID, b.ID))
	})
	return f
}

func (f found) ids() (ids []string) {
	for _, t := range f.tasks {
		ids = append(ids, t.ID)
	}
	return ids
}

// tell prints how many there are, and some of them.
func (f found) tell(w io.Writer) {
	const sample = 5
	fmt.Fprintf(w, "%s found", plain.Count(len(f.tasks), "task"))
	for _, left := range []struct {
		n   int
		why string
	}{{f.retriedSince, "retried since"}, {f.waiting, "already waiting for an answer"}, {f.budgetUsedUp, "left out: the budget is used up, --force overrides this"}} {
		if left.n > 0 {
			fmt.Fprintf(w, "; %d %s", left.n, left.why)
		}
	}
	fmt.Fprintln(w)
	for _, t := range f.tasks[:min(sample, len(f.tasks))] {
		fmt.Fprintln(w, "  "+line(t))
	}
	if rest := len(f.tasks) - sample; rest > 0 {
		fmt.Fprintf(w, "  and %d more\n", rest)
	}
}

// list prints the tasks for a program to read.
func (f found) list(w io.Writer, limit int) {
	for i, t := range f.tasks {
		if limit > 0 && i == limit {
			return
		}
		fmt.Fprintln(w, line(t))
	}
}

func line(t *outcomes.Task) string {
	last := t.RetryFailed
	codes := last.FailureCode
	if last.APICode != "" {
		codes = strings.TrimPrefix(codes+","+last.APICode, ",")
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s", shown(t.ID), last.Reason, cmp.Or(plain.Text(codes), "no code"), last.At.UTC().Format(time.RFC3339))
}

// confirm asks a person. Only y and yes count as a yes.
func confirm(ctx context.Context, env Env, question string) (bool, error) {
	fmt.Fprint(env.Stderr, question+" [y/N] ")
	answer, err := within(ctx, func() (string, error) {
		line, err := bufio.NewReader(env.Stdin).ReadString('\n')
		if err == io.EOF {
			err = nil
		}
		return line, err
	})
	if err != nil {
		fmt.Fprintln(env.Stderr)
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
