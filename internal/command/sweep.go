package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/outcomes"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/sweep"
)

// sweepShare is the divisor of MPC_REQUESTS_PER_MINUTE that gives sweep's own limit: the
// service leaves this twentieth unused.
const sweepShare = 20

var sweepCommand = command{
	name: "sweep", args: "[OPTIONS]", takes: none,
	summary: "publish a failure event for each failure that has none",
	more: `
It lists MPC's failed tasks, page by page. It leaves out failures that the outcome
topics answer, or whose events wait in the failed topic. For each other one it
publishes an event with end_time, error_code, description and user_data. Use it if
notifications were lost between MPC and Kafka, and after a data loss.

The end time tells a task's failures apart: one that was answered gets no event, a
new one after a retry does. An interrupted run, started again, repeats nothing:
its events are in the topic. Do not run two at the same time. If MPC's list became
shorter while it was read, some tasks may be missing: the exit code is then 1, and
another run finds them.

One request lists 100 tasks. By default few requests a minute are sent, because the
service needs the quota: see --calls.
`,
	prepare: func(flags *flag.FlagSet) func(context.Context, Env, []string) int {
		o := sweepOptions{}
		flags.DurationVar(&o.since, "since", 24*time.Hour, "tasks that failed within the last DURATION, by MPC's clock")
		flags.StringVar(&o.until, "until", "", "tasks that failed before this `time`, such as 2026-11-23T08:00:00Z, or 15m for that long ago")
		flags.BoolVar(&o.dry, "dry-run", false, "print what it would publish, and change nothing")
		flags.IntVar(&o.limit, "limit", 0, "publish at most `N` events")
		flags.Float64Var(&o.rate, "rate", 0, "publish at most `N` events a second")
		flags.IntVar(&o.calls, "calls", 0, "send MPC at most `N` requests a minute (default a twentieth of MPC_REQUESTS_PER_MINUTE, at least 1)")
		return func(ctx context.Context, env Env, _ []string) int {
			o.given = map[string]bool{}
			flags.Visit(func(f *flag.Flag) { o.given[f.Name] = true })
			return runSweep(ctx, env, o)
		}
	},
}

type sweepOptions struct {
	since    time.Duration
	until    string
	dry      bool
	limit    int
	rate     float64
	calls    int
	given    map[string]bool
	from, to time.Time // the range, set by check; to zero: now
}

// check returns an error if the options are wrong, and sets the range.
func (o *sweepOptions) check(now time.Time) error {
	switch {
	case o.since <= 0:
		return errors.New("--since must be positive")
	case o.given["until"] && o.until == "":
		return errors.New("--until is empty: name a time, or leave the option out")
	case o.given["calls"] && o.calls <= 0:
		return errors.New("--calls must be positive")
	}
	o.from = now.Add(-o.since)
	if o.until != "" {
		at, err := moment(o.until, now)
		if err != nil {
			return err
		}
		if !at.After(o.from) {
			return errors.New("--until must be later than the beginning of --since")
		}
		o.to = at
	}
	return checkLimits(o.given, o.limit, o.rate)
}

// moment reads a time, or a duration before now.
func moment(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	ago, err := time.ParseDuration(text)
	if err != nil || ago < 0 {
		return time.Time{}, errors.New("--until must be a time such as 2026-11-23T08:00:00Z, or a duration such as 15m, for that long ago")
	}
	return now.Add(-ago), nil
}

// interval returns the time between two requests to MPC.
func (o *sweepOptions) interval(quota config.Limit) (time.Duration, error) {
	switch {
	case o.calls > 0 && o.calls > int(quota):
		return 0, fmt.Errorf("--calls is more than MPC_REQUESTS_PER_MINUTE, which is %v", quota)
	case o.calls > 0:
		return time.Minute / time.Duration(o.calls), nil
	case quota == config.Unlimited:
		return 0, nil
	}
	return time.Minute / time.Duration(max(1, int(quota)/sweepShare)), nil
}

func runSweep(ctx context.Context, env Env, o sweepOptions) int {
	misused := func(err error) int {
		fmt.Fprintf(env.Stderr, "remux-retrier sweep: %v\n", err)
		return exitUsage
	}
	if err := o.check(time.Now()); err != nil {
		return misused(err)
	}
	cfg, ok := load(env)
	if !ok {
		return exitUsage
	}
	interval, err := o.interval(cfg.MPC.RequestsPerMinute)
	if err != nil {
		return misused(err)
	}
	kafka, err := env.Kafka(cfg)
	if err != nil {
		return fail(env, err)
	}
	defer kafka.Close()
	api, err := env.MPC(cfg)
	if err != nil {
		return fail(env, err)
	}
	defer api.Close()
	if err := reach(ctx, kafka, cfg.Kafka.TopicFailed, cfg.Kafka.TopicRetried, cfg.Kafka.TopicRetryFailed); err != nil {
		return fail(env, err)
	}
	show := &sweepShow{progress: newProgress(env), env: env}
	s, err := sweep.New(sweep.Config{
		API: api, Since: o.from, Until: o.to, Dry: o.dry, Limit: o.limit, Rate: o.rate, Interval: interval,
		Clock: clock.System, Rand: rand.Float64, Listener: show,
		Known: func(ctx context.Context, since time.Time, ids map[string]bool) (map[string]*outcomes.Task, error) {
			return outcomes.Of(ctx, outcomesConfig(cfg, kafka, since, show.progress), ids)
		},
		Publish: func(ctx context.Context, m events.Message) (string, error) {
			return publish(ctx, kafka, cfg.Kafka.TopicFailed, m)
		},
	})
	if err != nil {
		return fail(env, err)
	}
	totals, err := s.Run(ctx)
	show.end()
	if err == nil || totals.Done > 0 {
		fmt.Fprintln(env.Stdout, swept(totals, o.dry))
	}
	if totals.Changed {
		fmt.Fprintln(env.Stderr, "MPC's list became shorter while it was read, so some tasks may be missing: run it again")
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(env.Stderr, "interrupted: run it again to continue")
		return exitFailed
	case err != nil:
		return fail(env, err)
	case totals.Changed: // a CronJob looks at the exit code alone
		return exitFailed
	}
	return exitDone
}

// swept returns the summary of a run.
func swept(t sweep.Totals, dry bool) string {
	done := "published"
	if dry {
		done = "would be published"
	}
	text := fmt.Sprintf("%d %s, %d known already, %d skipped", t.Published, done, t.Known, t.Skipped)
	if rest := t.InRange - t.Done; rest > 0 {
		text += fmt.Sprintf("; %d not looked at yet", rest)
	}
	return text + fmt.Sprintf(" (%s to MPC)", plain.Count(t.Requests, "request"))
}
