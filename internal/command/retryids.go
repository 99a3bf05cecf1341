package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"remux-retrier/events"
)

// retryOptions are retry's flags.
type retryOptions struct {
	force, dry, yes bool
	limit           int
	rate            float64
	reason, code    string
	since           time.Duration
	given           map[string]bool
}

// finds reports whether the tasks are to be found in the outcome topics.
func (o retryOptions) finds() bool { return o.given["reason"] || o.given["code"] }

// check returns an error if the options are wrong. named is how many tasks are named.
func (o retryOptions) check(named int) error {
	// An unset variable in a script must not turn some tasks into all of them.
	switch {
	case o.given["reason"] && len(listed(o.reason)) == 0:
		return errors.New("--reason is empty: name a reason, or leave the option out")
	case o.given["code"] && len(listed(o.code)) == 0:
		return errors.New("--code is empty: name a code, or leave the option out")
	case o.given["since"] && o.since <= 0:
		return errors.New("--since must be positive")
	case o.given["since"] && !o.finds():
		return errors.New("--since goes with --reason or --code")
	case o.finds() && named > 0:
		return errors.New("name tasks, or find them by --reason and --code, not both")
	}
	if err := checkLimits(o.given, o.limit, o.rate); err != nil {
		return err
	}
	var known []string
	for _, r := range events.Reasons() {
		if r.Kind() == events.RetryFailed {
			known = append(known, string(r))
		}
	}
	for _, r := range listed(o.reason) {
		if !slices.Contains(known, r) {
			return fmt.Errorf("--reason must be some of %s, with commas between", strings.Join(known, ", "))
		}
	}
	return nil
}

// checkLimits returns an error if --limit or --rate is wrong.
func checkLimits(given map[string]bool, limit int, rate float64) error {
	switch {
	case given["limit"] && limit <= 0:
		return errors.New("--limit must be positive, or left out for all of them")
	case given["rate"] && !(rate > 0 && rate <= 1e6): // refuses NaN too
		return errors.New("--rate must be positive, and at most a million")
	}
	return nil
}

// listed returns the words of a comma-separated list.
func listed(text string) (words []string) {
	for _, word := range strings.Split(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

var errNoTask = errors.New("name at least one task")

// ids returns the tasks that arguments or standard input name, each once; none if they are
// to be found. Any error but the context's is wrong usage.
func (o retryOptions) ids(ctx context.Context, env Env, args []string) ([]string, error) {
	read := len(args) == 0 || slices.Equal(args, []string{"-"})
	named := len(args)
	if len(args) == 0 {
		named = 0
	}
	if err := o.check(named); err != nil {
		return nil, err
	}
	switch {
	case o.finds():
		if !o.yes && !o.dry && !env.asks() {
			return nil, errors.New("cannot ask for a confirmation here: look at the tasks with --dry-run, then use --yes")
		}
		return nil, nil
	case !read:
		return once(args), nil
	case env.Stdin == nil, len(args) == 0 && terminal(env.Stdin):
		return nil, errNoTask
	}
	ids, err := within(ctx, func() ([]string, error) { return readIDs(env.Stdin) })
	if err == nil && len(ids) == 0 {
		err = errNoTask
	}
	return once(ids), err
}

// within returns the result of f, or the context's cause if that ends first. A read of
// standard input then stays blocked until the program ends.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// maxIDs bounds the tasks that one run reads from standard input. maxIDBytes bounds their
// ids together, which is enough for that many of the longest.
const maxIDs, maxIDBytes = 1_000_000, 128 << 20

// readIDs reads one task per line: the text before the first tab, without white space
// around it. After an error it returns no tasks.
func readIDs(in io.Reader) (ids []string, err error) {
	lines := bufio.NewScanner(in)
	for held := 0; lines.Scan(); {
		id, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), "\t")
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, strings.Clone(id)) // without the rest of its line
			held += len(id)
		}
		switch {
		case len(ids) > maxIDs:
			return nil, fmt.Errorf("standard input has more than %d tasks: ask for some of them at a time", maxIDs)
		case held > maxIDBytes:
			return nil, errors.New("standard input has lines that are too long for task ids: name one task a line")
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("standard input, after %d tasks: %w", len(ids), err)
	}
	return ids, nil
}

// once drops repeated ids: a task is asked for once.
func once(ids []string) (all []string) {
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
	}
	return all
}

// terminal reports whether this is a terminal.
func terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// asks reports whether a person can see a question and answer it.
func (e Env) asks() bool { return e.terminal != nil && terminal(e.Stdin) }
