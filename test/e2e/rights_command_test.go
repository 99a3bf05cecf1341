//go:build kafka

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// With the service's rights alone the page and explain show what they may read, and name
// what they may not. redrive fails at once for each right that it lacks, instead of
// retrying for ever. With the rights that OPERATIONS lists the commands work.
func toolsWithTheListedRights(t *testing.T, r *rig, login []string) {
	t.Helper()
	guide, err := os.ReadFile("../../docs/OPERATIONS.md")
	must(t, err)
	for _, row := range []string{
		"| `retry` | WRITE on the failed topic, READ on both outcome topics (the task's budget) |",
		"| `redrive` | READ on the dead letters and on the group `remux-retrier.redrive`, WRITE on the failed topic |",
		"| `explain TASK_ID` | READ on all topics; DESCRIBE on the group, to see events that still wait from before the period that is read |",
	} {
		if !strings.Contains(string(guide), row) {
			t.Errorf("the guide does not list what is tried here: %s", row)
		}
	}
	s := r.start(login...).ready()
	r.waitForAnswers(r.expectedAnswers(), 30*time.Second)
	notRead := "topic " + r.deadLetter + " could not be read"
	s.waitFor(20*time.Second, "to tell a task's story", func() (bool, string) {
		status, body := s.get("/api/tasks/unknown")
		return status == 200 && strings.Contains(body, notRead) && strings.Contains(body, "READ on topic "+r.deadLetter) &&
			strings.Contains(body, "task_not_found") && strings.Contains(body, `"entries":[{`), body
	})
	r.command(login, "explain", "unknown").want(t, 1, "Task unknown. ", "task_not_found", notRead, "READ on topic "+r.deadLetter)
	r.finishWithoutRepeats(30 * time.Second) // the service is stopped: it must not answer the records that redrive publishes below

	group := right{kadm.OpRead, true, "remux-retrier.redrive"}
	letters := right{kadm.OpRead, false, "remux.failed.dlq"}
	failed := right{kadm.OpWrite, false, "remux.failed"}
	before, err := r.ends(r.failed)
	must(t, err)
	for _, missing := range []struct {
		right
		says string
	}{
		{group, "READ on group " + r.group + ".redrive"},
		{letters, "READ on topic " + r.deadLetter},
		{failed, "WRITE on topic " + r.failed},
	} {
		r.command(login, "redrive", "--limit", "1").want(t, 1, "the brokers' ACLs must allow", missing.says)
		if missing.right != failed {
			r.command(login, "redrive", "--limit", "1", "--dry-run").want(t, 1, "the brokers' ACLs must allow", missing.says)
		} else {
			r.command(login, "retry", "7").want(t, 1, "the brokers' ACLs must allow", missing.says)
		}
		if now, err := r.ends(r.failed); err != nil || sum(now) != sum(before) {
			t.Errorf("without %s something was put back: %v, %v", missing.says, now, err)
		}
		r.grant(missing.right)
	}
	r.command(login, "redrive", "--limit", "1").want(t, 0, "1 put back")
	r.command(login, "retry", "7").want(t, 0, r.failed)
	if now, err := r.ends(r.failed); err != nil || sum(now) != sum(before)+2 {
		t.Errorf("put back and asked for: %v of %v, %v", now, before, err)
	}
	if got := r.command(login, "explain", "unknown").want(t, 0, "task_not_found"); strings.Contains(got.all(), "could not be read") {
		t.Error(got.all())
	}
}

// garbage is not a failure event.
func garbage() *kgo.Record { return &kgo.Record{Value: []byte("no JSON")} }
