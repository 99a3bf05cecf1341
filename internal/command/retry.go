package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/config"
	"remux-retrier/internal/history"
)

const retryArgs = "[OPTIONS] [TASK_ID… | -]"

var retryCommand = command{
	name: "retry", args: retryArgs, takes: anything,
	summary: "publish a failure event for each task, for the service to handle",
	more: `
The tasks are arguments, or come from standard input (no argument, or -), one a line;
everything after a tab is ignored. Or --reason and --code find them in the
outcome topics: the tasks whose latest outcome has one of these reasons, and whose
failure, or MPC's answer to the retry, has one of these codes. Their number and some
of them are printed. On a terminal it then asks for a yes; otherwise it needs --yes.
Tasks that wait for an answer already are left out.

The events go to the failed topic, keyed by task id; the partition and offset of
each are printed. For a task whose budget is used up nothing is published, and the
reason is printed; the exit code is then 1. An error of Kafka ends the run; the tasks
that are left are then printed.
`,
	prepare: func(flags *flag.FlagSet) func(context.Context, Env, []string) int {
		o := retryOptions{}
		flags.BoolVar(&o.force, "force", false, "override the budget, RETRY_MAX_EVENT_AGE and RETRY_SKIP_CODES, by the header "+events.ForceHeader+"; a forced retry counts like any other")
		flags.BoolVar(&o.dry, "dry-run", false, "print which tasks it would ask for, and change nothing")
		flags.BoolVar(&o.yes, "yes", false, "do not ask before tasks that --reason or --code found are asked for")
		flags.IntVar(&o.limit, "limit", 0, "ask for at most `N` tasks")
		flags.Float64Var(&o.rate, "rate", 0, "ask for at most `N` tasks a second")
		flags.StringVar(&o.reason, "reason", "", "find tasks by the `reasons` of their latest outcomes, such as rejected,budget_exhausted")
		flags.StringVar(&o.code, "code", "", "find tasks by `codes` of their failure or of MPC's answer, such as MPC.10105")
		flags.DurationVar(&o.since, "since", 0, "how far back --reason and --code look, such as 48h (default RETRY_BUDGET_WINDOW)")
		return func(ctx context.Context, env Env, args []string) int {
			o.given = map[string]bool{}
			flags.Visit(func(f *flag.Flag) { o.given[f.Name] = true })
			ids, err := o.ids(ctx, env, args)
			switch {
			case errors.Is(err, errNoTask):
				fmt.Fprintf(env.Stderr, "remux-retrier retry: %v\n", err)
				usage(env.Stderr, "remux-retrier retry "+retryArgs, flags)
				return exitUsage
			case errors.Is(err, context.Canceled):
				return fail(env, err)
			case err != nil:
				fmt.Fprintf(env.Stderr, "remux-retrier retry: %v\n", err)
				return exitUsage
			}
			return retry(ctx, env, ids, o)
		}
	},
}

func retry(ctx context.Context, env Env, ids []string, o retryOptions) int {
	cfg, ok := load(env)
	if !ok {
		return exitUsage
	}
	kafka, err := env.Kafka(cfg)
	if err != nil {
		return fail(env, err)
	}
	defer kafka.Close()
	read, err := reader(cfg, kafka, nil)
	if err != nil {
		return fail(env, err)
	}
	topics := []string{cfg.Kafka.TopicFailed}
	if o.force && !cfg.Retry.AllowForce {
		return fail(env, errors.New("RETRY_ALLOW_FORCE is false, so the service would ignore --force: ask without it"))
	}
	if !o.force || o.finds() {
		topics = append(topics, cfg.Kafka.TopicRetried, cfg.Kafka.TopicRetryFailed)
	}
	if err := reach(ctx, kafka, topics...); err != nil && ctx.Err() == nil {
		return fail(env, err)
	}
	a := &retryRun{cfg: cfg, kafka: kafka, read: read, retryOptions: o, progress: newProgress(env)}
	if o.finds() {
		return a.findAndAsk(ctx, env)
	}
	if err := a.budgets(ctx, ids); err != nil {
		return fail(env, err)
	}
	return askAll(ctx, env, ids, o, a.progress, a.ask)
}

// retryRun is one run of the command retry.
type retryRun struct {
	cfg   config.Config
	kafka *kafkalog.Client
	read  *history.Reader
	retryOptions
	*progress
	// accepted are the times of the accepted retries, by task; nil: they are read task by
	// task.
	accepted map[string][]time.Time
}

// checkBudget returns an error if the task's budget is used up, so that the service would not
// retry it, or if the budget is not known.
func (a *retryRun) checkBudget(ctx context.Context, id string) error {
	budget := a.cfg.Retry.Budget
	if a.force || budget == config.Unlimited {
		return nil
	}
	if a.accepted != nil {
		return budgetError(a.accepted[id], int(budget), a.cfg.Retry.BudgetWindow)
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	h, err := a.read.Outcomes(ctx, id)
	if err != nil {
		return kafkaError{fmt.Errorf("the budget of %s is not known: %w", shown(id), err)}
	}
	if !h.Complete {
		return fmt.Errorf("its budget is not known: there are too many outcomes to read; --force overrides this")
	}
	return budgetError(acceptedIn(h), int(budget), a.cfg.Retry.BudgetWindow)
}

// acceptedIn returns the times of a task's accepted retries, the oldest first.
func acceptedIn(h history.History) (times []time.Time) {
	for _, e := range h.Entries {
		if o := e.Outcome; o != nil && o.CountsAsRetry && !o.Repeat {
			times = append(times, e.At)
		}
	}
	return times
}

// budgetError returns an error if a task with these accepted retries has no budget left; the
// error says until when. budget is at least 1.
func budgetError(accepted []time.Time, budget int, window time.Duration) error {
	over := len(accepted) - budget // forced retries exceed the budget, and count
	if over < 0 {
		return nil
	}
	return fmt.Errorf("it has had %d accepted retries within %v (RETRY_BUDGET is %d), so it would be answered %s; it can be asked for again after %s; --force overrides this",
		len(accepted), window, budget, events.BudgetExhausted, accepted[over].Add(window).UTC().Format(time.RFC3339))
}
