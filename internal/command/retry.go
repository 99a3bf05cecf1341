package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/config"
	"remux-retrier/internal/history"
	"remux-retrier/internal/plain"
)

var retryCommand = command{
	name: "retry", args: "[--force] TASK_ID…", takes: some,
	summary: "publish a failure event for each task, for the service to handle",
	more: `
The events go to the failed topic, keyed by task id; the partition and offset of
each are printed. A task whose budget is spent would be refused: its event is not
published, and the reason is printed. Exit code 1 if any was refused.
`,
	prepare: func(flags *flag.FlagSet) func(context.Context, Env, []string) int {
		force := flags.Bool("force", false, "pass the budget, RETRY_MAX_EVENT_AGE and RETRY_SKIP_CODES, by the header "+events.ForceHeader+"; a forced retry counts like any other")
		return func(ctx context.Context, env Env, ids []string) int { return retry(ctx, env, ids, *force) }
	},
}

// retryWithin bounds what is done for one task.
const retryWithin = 40 * time.Second

func retry(ctx context.Context, env Env, ids []string, force bool) int {
	cfg, ok := load(env)
	if !ok {
		return exitUsage
	}
	log, err := env.Kafka(cfg)
	if err != nil {
		return fail(env, err)
	}
	defer log.Close()
	read, err := reader(cfg, log, nil)
	if err != nil {
		return fail(env, err)
	}
	topics := []string{cfg.Kafka.TopicFailed}
	if force && !cfg.Retry.AllowForce {
		return fail(env, errors.New("RETRY_ALLOW_FORCE is false, so the service would ignore --force: ask without it"))
	}
	if !force {
		topics = append(topics, cfg.Kafka.TopicRetried, cfg.Kafka.TopicRetryFailed)
	}
	if err := reach(ctx, log, topics...); err != nil && ctx.Err() == nil {
		return fail(env, err)
	}
	return askAll(ctx, env, once(ids), asking{cfg: cfg, log: log, read: read, force: force}.ask)
}

// once drops ids that were given before: a task is asked for once.
func once(ids []string) []string {
	var all []string
	for _, id := range ids {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// askAll asks for one task after the other until it is interrupted, and then says
// for which it did not.
func askAll(ctx context.Context, env Env, ids []string, ask func(context.Context, string) (place string, err error)) int {
	code := exitDone
	for i, id := range ids {
		place, err := "", context.Cause(ctx)
		if err == nil {
			place, err = ask(ctx, id)
		}
		switch {
		case err == nil:
			fmt.Fprintf(env.Stdout, "%s\t%s\n", shown(id), place)
		case errors.As(err, new(unsure)):
			fmt.Fprintf(env.Stderr, "%s: %v\n", shown(id), err)
			code = exitFailed
		case ctx.Err() != nil:
			var rest []string
			for _, id := range ids[i:] {
				rest = append(rest, shown(id))
			}
			fmt.Fprintln(env.Stderr, "interrupted; not asked for: "+strings.Join(rest, " "))
			return exitFailed
		default:
			fmt.Fprintf(env.Stderr, "%s: not asked for: %s\n", shown(id), because(err))
			code = exitFailed
		}
	}
	return code
}

// unsure is why an event may have been written or not.
type unsure struct{ error }

// shown is an argument as it may be printed, whatever it is.
func shown(id string) string {
	const most = 128
	if len(id) > most {
		return fmt.Sprintf("%q… (%d bytes)", id[:most/4], len(id))
	}
	return plain.Text(id)
}

type asking struct {
	cfg   config.Config
	log   *kafkalog.Client
	read  *history.Reader
	force bool
}

// ask publishes a failure event and says where it stands.
func (a asking) ask(ctx context.Context, id string) (place string, err error) {
	ctx, cancel := context.WithTimeout(ctx, retryWithin)
	defer cancel()
	m, err := events.NewFailure(id, "asked for with remux-retrier retry", a.force)
	if err != nil {
		return "", err
	}
	if err := a.refusal(ctx, id); err != nil {
		return "", err
	}
	message := consumer.Message{Topic: a.cfg.Kafka.TopicFailed, Key: m.Key, Value: m.Value, Headers: m.Headers}
	p, err := a.log.PartitionFor(ctx, message.Topic, message.Key)
	if err != nil {
		return "", err
	}
	offset, err := a.log.Produce(ctx, message.Topic, p, []consumer.Message{message})
	if err != nil {
		return "", unsure{fmt.Errorf("whether its event was written is not known, `remux-retrier explain` tells: %w", err)}
	}
	return fmt.Sprintf("%s\tpartition %d\toffset %d", message.Topic, p, offset), nil
}

// refusal says why the service would refuse the event.
func (a asking) refusal(ctx context.Context, id string) error {
	budget := a.cfg.Retry.Budget
	if a.force || budget == config.Unlimited {
		return nil
	}
	h, err := a.read.Outcomes(ctx, id)
	if err != nil {
		return fmt.Errorf("its budget is not known: %w", err)
	}
	if !h.Complete {
		return fmt.Errorf("its budget is not known: there are too many outcomes to read; with --force it does not matter")
	}
	return spent(h, int(budget), a.cfg.Retry.BudgetWindow)
}

// spent says that a task has had its budget, and until when.
func spent(h history.History, budget int, window time.Duration) error {
	if budget == 0 {
		return fmt.Errorf("RETRY_BUDGET is 0, so it would be answered %s; --force passes that", events.BudgetExhausted)
	}
	var accepted []time.Time // the oldest first
	for _, e := range h.Entries {
		if o := e.Outcome; o != nil && o.CountsAsRetry && !o.Repeat {
			accepted = append(accepted, e.At)
		}
	}
	over := len(accepted) - budget // forced retries pass the budget, and count
	if over < 0 {
		return nil
	}
	return fmt.Errorf("it has had %d accepted retries within %v (RETRY_BUDGET is %d), so it would be answered %s; it can be asked for again after %s; --force passes that",
		len(accepted), window, budget, events.BudgetExhausted, accepted[over].Add(window).UTC().Format(time.RFC3339))
}
