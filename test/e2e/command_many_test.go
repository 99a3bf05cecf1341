//go:build kafka

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// commandIn runs a sub-command with a text on its standard input.
func (r *rig) commandIn(stdin string, args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	for k, v := range r.env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out, err bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &err
	if failure := cmd.Run(); failure != nil && !errors.As(failure, new(*exec.ExitError)) {
		r.t.Fatal(failure)
	}
	return result{out.String(), err.String(), cmd.ProcessState.ExitCode()}
}

// screen collects what is written to a terminal.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// onTerminal runs a sub-command on a terminal (with script of Debian's bsdutils), and types
// an answer to its question.
func (r *rig) onTerminal(answer string, args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qefc", binary+" "+strings.Join(args, " "), "/dev/null")
	for k, v := range r.env() {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Env = append(cmd.Env, "TERM=xterm", "SHELL=/bin/sh")
	keys, err := cmd.StdinPipe()
	must(r.t, err)
	seen := &screen{}
	cmd.Stdout, cmd.Stderr = seen, seen
	must(r.t, cmd.Start())
	waitFor(r.t, 30*time.Second, "the question", func() (bool, string) {
		return strings.Contains(seen.String(), "[y/N] "), seen.String()
	})
	_, err = io.WriteString(keys, answer)
	must(r.t, err)
	if failure := cmd.Wait(); failure != nil && !errors.As(failure, new(*exec.ExitError)) {
		r.t.Fatal(failure)
	}
	return result{out: seen.String(), code: cmd.ProcessState.ExitCode()}
}

// coded returns a failure event with an error code.
func coded(task, code string) *kgo.Record {
	return &kgo.Record{Key: []byte(task), Value: fmt.Appendf(nil, `{"task_id":%q,"error_code":%q}`, task, code)}
}

func TestCommandRetryFindsAllTasksWithThisReasonAndCode(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.start().ready()
	var meant []string
	for i := range 30 {
		id := fmt.Sprint("meant-", i)
		meant = append(meant, id)
		r.refuse(id)
		r.publish(coded(id, "MPC.10105"))
	}
	slices.Sort(meant)
	for i := range 10 {
		r.refuse(fmt.Sprint("other-", i))
		r.publish(coded(fmt.Sprint("other-", i), "MPC.10052"), coded(fmt.Sprint("accepted-", i), "MPC.10105"))
	}
	r.finishWithoutRepeats(60 * time.Second)
	for _, id := range meant {
		must(t, r.mpc.Script(id)) // the cause is repaired
	}
	before, err := r.ends(r.failed)
	must(t, err)

	options := []string{"retry", "--reason", "rejected,budget_exhausted", "--code", "MPC.10105", "--since", "1h"}
	with := func(more ...string) []string { return append(slices.Clone(options), more...) }
	dry := r.command(nil, with("--dry-run")...).want(t, 0, "30 tasks found\n", "and 25 more\n")
	var listed []string
	for line := range strings.Lines(dry.out) {
		id, rest, _ := strings.Cut(line, "\t")
		listed = append(listed, id)
		if !strings.HasPrefix(rest, "rejected\tMPC.10105,MPC.10212\t") {
			t.Errorf("%q", line)
		}
	}
	if slices.Sort(listed); !slices.Equal(listed, meant) {
		t.Errorf("found %q, want %q", listed, meant)
	}
	r.command(nil, options...).want(t, 2, "use --yes")
	for _, answer := range []string{"n\n", "\n", "yes please\n"} {
		no := r.onTerminal(answer, options...).want(t, 1, "30 tasks found", "Publish 30 failure events? [y/N] ", "nothing was published")
		if n := len(r.since(before)); n != 0 {
			t.Fatalf("%q published %d events: %s", answer, n, no.out)
		}
	}
	r.onTerminal("y\n", with("--limit", "10")...).want(t, 0, "Publish 10 failure events? [y/N] ", "] 100 % ", "records read", "stopped at --limit; not looked at: 20")
	if n := len(r.since(before)); n != 10 {
		t.Errorf("%d events were published", n)
	}
	// No second event is published for a task that waits for its answer.
	r.command(nil, with("--yes", "--rate", "100")...).want(t, 0, "20 tasks found; 10 already waiting for an answer\n")
	r.command(nil, with("--yes")...).want(t, 0, "0 tasks found; 30 already waiting for an answer\n")
	got := r.since(before)
	if !slices.Equal(keys(got), meant) {
		t.Errorf("%d events, want one of each of the %d tasks", len(got), len(meant))
	}
	r.addPublished(got...)
	r.start().ready()
	r.finishWithoutRepeats(60 * time.Second)
	r.command(nil, with("--yes")...).want(t, 0, "0 tasks found; 30 retried since\n")
}

func TestCommandRetryTakesTasksFromStandardInput(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Then: mpcsim.StatusFailed}})
	r.start().ready()
	var lines strings.Builder
	for i := range 200 {
		fmt.Fprintf(&lines, "task-%d\trejected\n\n", i%150)
	}
	r.commandIn(lines.String()+"not an id\n", "retry", "--dry-run").want(t, 1, "task-149\twould be asked for\n", "not an id: not asked for")
	before, err := r.ends(r.failed)
	must(t, err)
	if s := r.commandIn(lines.String(), "retry", "-").want(t, 0); strings.Count(s.out, "\n") != 150 {
		t.Error(s.all())
	}
	got := r.since(before)
	if len(got) != 150 {
		t.Errorf("%d events of 150 tasks", len(got))
	}
	r.addPublished(got...)
	r.finishWithoutRepeats(60 * time.Second)
	r.commandIn("\n \n", "retry").want(t, 2, "name at least one task", "Usage: remux-retrier retry")

	// The budgets of many tasks are read at once, and are respected.
	ids := []string{"retry", "fresh"}
	for i := range 150 {
		ids = append(ids, fmt.Sprint("task-", i))
	}
	s := r.command([]string{"RETRY_BUDGET", "1"}, ids...).want(t, 1, "fresh\t"+r.failed, "task-7: not asked for: it has had 1 accepted retries")
	if strings.Count(s.out, "\n") != 1 || strings.Count(s.err, "budget_exhausted") != 150 {
		t.Error(s.all())
	}
}
