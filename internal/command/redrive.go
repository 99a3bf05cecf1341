package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/redrive"
)

// redriveGroup is the suffix of the redrives' consumer group.
const redriveGroup = ".redrive"

var redriveCommand = command{
	name: "redrive", args: "[--dry-run] [--limit N] [--rate N] [--reason R] [--task ID]", takes: none,
	summary: "put dead letters back into the failed topic",
	more: `
Key, value and headers go back unchanged; of the service's headers only
dead-letter-count stays. A record that became a dead letter twice, or is not a dead
letter of this service, is skipped and printed with the reason. It ends at the last
dead letter that was there when it began.

The progress is kept as offsets of the consumer group KAFKA_GROUP_ID` + redriveGroup + `,
committed after the records are acknowledged. An interrupted run, started again,
continues and repeats nothing; after kill -9 at most the last 100 records are
written twice. A later run finds what a run with --reason or --task did not select.
Several runs at the same time share the work.
`,
	prepare: func(flags *flag.FlagSet) func(context.Context, Env, []string) int {
		o := options{}
		flags.BoolVar(&o.dry, "dry-run", false, "print what would be put back, and change nothing")
		flags.IntVar(&o.limit, "limit", 0, "put back at most `N` records")
		flags.Float64Var(&o.rate, "rate", 0, "put back at most `N` records a second")
		flags.StringVar(&o.reason, "reason", "", "only dead letters with this dead-letter-`reason`, such as no_task_id")
		flags.StringVar(&o.task, "task", "", "only dead letters that are keyed by this task `id` or mention it")
		return func(ctx context.Context, env Env, _ []string) int {
			o.given = map[string]bool{}
			flags.Visit(func(f *flag.Flag) { o.given[f.Name] = true })
			return runRedrive(ctx, env, o)
		}
	},
}

type options struct {
	dry          bool
	limit        int
	rate         float64
	reason, task string
	given        map[string]bool
}

// check returns an error if the options are wrong.
func (o options) check() error {
	// An unset variable in a script must not turn some records into all of them.
	switch {
	case o.given["task"] && o.task == "":
		return errors.New("--task is empty: name a task, or leave the option out")
	case o.given["reason"] && o.reason == "":
		return errors.New("--reason is empty: name a reason, or leave the option out")
	case o.reason != "" && !slices.Contains(events.Defects(), events.Defect(o.reason)):
		var known []string
		for _, d := range events.Defects() {
			known = append(known, string(d))
		}
		return fmt.Errorf("--reason must be one of %s", strings.Join(known, ", "))
	case o.task != "":
		if err := events.CheckTaskID(o.task); err != nil {
			return errors.New("--task: " + because(err))
		}
	}
	return checkLimits(o.given, o.limit, o.rate)
}

func runRedrive(ctx context.Context, env Env, o options) int {
	if err := o.check(); err != nil {
		fmt.Fprintf(env.Stderr, "remux-retrier redrive: %v\n", err)
		return exitUsage
	}
	cfg, ok := load(env)
	if !ok {
		return exitUsage
	}
	kafka, err := env.Kafka(redriving(cfg))
	if err != nil {
		return fail(env, err)
	}
	defer kafka.Close()
	if err := reach(ctx, kafka, cfg.Kafka.TopicDeadLetter, cfg.Kafka.TopicFailed); err != nil {
		return fail(env, err)
	}
	show := newShow(env, o.dry)
	c := redrive.Config{
		Kafka: kafka, DeadLetter: cfg.Kafka.TopicDeadLetter, Failed: cfg.Kafka.TopicFailed,
		Filter: redrive.Filter{Reason: events.Defect(o.reason), Task: o.task}, Limit: o.limit, Rate: o.rate,
		Clock: clock.System, Rand: rand.Float64, Listener: show, Permanent: kafkalog.NeedsOperator,
	}
	if o.dry {
		c.Rate = 0
	}
	r, err := redrive.New(c)
	if err != nil {
		return fail(env, err)
	}
	var totals redrive.Totals
	if o.dry {
		var at map[int]consumer.Position
		if at, err = kafka.Positions(ctx); err == nil {
			totals, err = r.Dry(ctx, at)
		}
	} else {
		totals, err = r.Run(ctx)
	}
	show.end()
	if err == nil || totals != (redrive.Totals{}) {
		fmt.Fprintln(env.Stdout, summary(totals, o.dry))
	}
	switch {
	case errors.Is(err, context.Canceled) && !o.dry:
		fmt.Fprintln(env.Stderr, "interrupted: run it again to continue")
		return exitFailed
	case err != nil:
		return fail(env, err)
	}
	return exitDone
}

// redriving returns the configuration of a member of the redrives' group, which consumes
// the dead-letter topic.
func redriving(cfg config.Config) config.Config {
	k := &cfg.Kafka
	k.GroupID += redriveGroup
	k.ClientID += "-redrive"
	k.TopicFailed, k.TopicDeadLetter = k.TopicDeadLetter, k.TopicFailed
	return cfg
}

func summary(t redrive.Totals, dry bool) string {
	done := "put back"
	if dry {
		done = "would be put back"
	}
	text := fmt.Sprintf("%d %s, %d skipped", t.Redriven, done, t.Skipped)
	if t.Others > 0 {
		text += fmt.Sprintf(", %d not selected by the options", t.Others)
	}
	if t.Before > 0 {
		text += fmt.Sprintf(", %d put back before", t.Before)
	}
	if rest := t.Of - t.Read; rest > 0 {
		text += fmt.Sprintf("; %d not looked at yet", rest)
	}
	return text
}

// place returns a dead letter's position and key.
func place(r *consumer.Record) string {
	key := "no key"
	if r.Key != nil {
		key = "key " + shown(string(r.Key))
	}
	return fmt.Sprintf("%s/%d offset %d, %s", r.Topic, r.Partition, r.Offset, key)
}

// reasonOf returns the record's dead-letter-reason, which may come from a hostile producer.
func reasonOf(r *consumer.Record) string {
	for _, h := range slices.Backward(r.Headers) { // the last is ours
		if h.Key == "dead-letter-reason" {
			return plain.Text(string(h.Value))
		}
	}
	return ""
}
