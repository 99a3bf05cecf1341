package command

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"sync"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/codes"
	"remux-retrier/internal/history"
	"remux-retrier/internal/plain"
)

var explainCommand = command{
	name: "explain", args: "[--json] [--since DURATION] [--limit N] CODE|TASK_ID", takes: one,
	summary: "say what an MPC code means, or tell a task's story from the topics",
	more: `
CODE is an error code of MPC or of the API gateway (MPC.10105, APIG.0308), or the
reason of an outcome or a dead letter (budget_exhausted, no_task_id). That needs no
configuration. Anything else is a task id. Its failure events, outcomes and probable
dead letters of the time --since are then read from the topics, and also older
events that the group has not committed. Of very many only the first and the latest
are printed. Exit code 1 if nothing is known about the task, or if not everything
could be read.
`,
	prepare: func(flags *flag.FlagSet) func(context.Context, Env, []string) int {
		asJSON := flags.Bool("json", false, "print JSON")
		since := flags.Duration("since", 0, "how far back the topics are read, such as 48h (default RETRY_BUDGET_WINDOW)")
		limit := flags.Int64("limit", history.DefaultLimit, "read at most this many `records`")
		return func(ctx context.Context, env Env, args []string) int {
			if *since < 0 || *limit < 1 {
				fmt.Fprintln(env.Stderr, "remux-retrier explain: --since and --limit must be positive")
				return exitUsage
			}
			if code, ok := codes.Lookup(args[0]); ok {
				return explainCode(env, code, *asJSON)
			}
			return explainTask(ctx, env, args[0], *asJSON, *since, *limit)
		}
	},
}

func explainCode(env Env, c codes.Code, asJSON bool) int {
	if asJSON {
		return printJSON(env, c)
	}
	where := map[codes.Place]string{
		codes.Answer:  "an answer of MPC's API or its gateway to a call",
		codes.Failure: "the code of a failed task",
		codes.Reason:  "the reason of an outcome",
		codes.Defect:  "the reason of a dead letter",
	}[c.Place]
	fmt.Fprintf(env.Stdout, "%s, %s\n\n%s\n\nThe service: %s\n", c.Code, where, c.Meaning, c.Service)
	if c.Advice != "" {
		fmt.Fprintf(env.Stdout, "\nWhat to do: %s\n", c.Advice)
	}
	return exitDone
}

func explainTask(ctx context.Context, env Env, id string, asJSON bool, since time.Duration, limit int64) int {
	if err := events.CheckTaskID(id); err != nil {
		fmt.Fprintf(env.Stderr, "remux-retrier explain: %s is neither a code nor a task's id: %s\n", shown(id), because(err))
		return exitUsage
	}
	cfg, ok := load(env)
	if !ok {
		return exitUsage
	}
	kafka, err := env.Kafka(cfg)
	if err != nil {
		return fail(env, err)
	}
	defer kafka.Close()
	topics := []string{cfg.Kafka.TopicRetried, cfg.Kafka.TopicRetryFailed, cfg.Kafka.TopicDeadLetter, cfg.Kafka.TopicFailed}
	if cfg.Kafka.TopicRecovered != "" {
		topics = append(topics, cfg.Kafka.TopicRecovered)
	}
	if err := reach(ctx, kafka, topics...); err != nil {
		return fail(env, err)
	}
	meter := &readProgress{w: env.Stderr, next: time.Now().Add(time.Second)}
	read, err := reader(cfg, kafka, func(c *history.Config) {
		if since > 0 {
			c.Window = since
		}
		c.Limit, c.Progress = limit, meter.progress
	})
	if err != nil {
		return fail(env, err)
	}
	h, err := read.Task(ctx, id)
	switch {
	case asJSON:
		printJSON(env, h)
	case err == nil || len(h.Entries) > 0:
		tell(env.Stdout, h)
	}
	for _, n := range h.NotRead {
		fmt.Fprintln(env.Stderr, n)
	}
	switch {
	case err != nil:
		return fail(env, fmt.Errorf("the topics could not be read to their ends: %w", err))
	case !h.Complete:
		fmt.Fprintf(env.Stderr, "--limit ended the reading after %d records: raise it, or shorten --since\n", h.Read)
		return exitFailed
	case len(h.Entries) == 0, len(h.NotRead) > 0:
		return exitFailed
	}
	return exitDone
}

// tell prints a history as text.
func tell(w io.Writer, h history.History) {
	fmt.Fprintf(w, "Task %s. %s\n", plain.Text(h.TaskID), h.Summary())
	if len(h.Entries) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range h.Sentences() {
		fmt.Fprintln(w, line)
	}
}

func printJSON(env Env, v any) int {
	out := json.NewEncoder(env.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(v); err != nil {
		return fail(env, err)
	}
	return exitDone
}

// readProgress prints once a second how much was read.
type readProgress struct {
	w    io.Writer
	mu   sync.Mutex
	next time.Time
}

func (r *readProgress) progress(read, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.After(r.next) {
		r.next = now.Add(time.Second)
		fmt.Fprintf(r.w, "read %d of about %d records\n", read, total)
	}
}
