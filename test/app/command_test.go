package app_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"remux-retrier/cmd/sandbox/broker"
	"remux-retrier/internal/app"
)

// perform runs a command line, checks its exit code and returns its output.
func perform(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	if code := app.Run(context.Background(), args, "v1.2.3", &out, &err, nil); code != want {
		t.Errorf("%q: exit code %d, want %d\n%s%s", args, code, want, out.String(), err.String())
	}
	return out.String() + err.String()
}

func expect(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("not said: %q\n%s", w, text)
		}
	}
}

func TestTheCommandsWorkTogether(t *testing.T) {
	output, stop := start(t, environment(t, allTopics()))
	await(t, output, "partitions assigned")
	expect(t, perform(t, 0, "check"), "ok    broker ", "ok    topic remux.failed: 2 partitions", "ok    group remux-retrier: Stable, members: remux-retrier", "ok    authentication")
	expect(t, perform(t, 1, "retry", "538526", "not an id"), "538526\tremux.failed\tpartition ", "not an id: not asked for")
	await(t, output, "task_id=538526")
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(perform(t, 0, "explain", "538526"), "retried, accepted") {
		if time.Now().After(deadline) {
			t.Fatal("explain does not show the outcome")
		}
	}
	expect(t, perform(t, 0, "redrive", "--dry-run"), "0 would be put back")
	expect(t, perform(t, 0, "redrive"), "0 put back, 0 skipped")
	// The task that check queried is FAILED, but no event was published for it.
	expect(t, perform(t, 0, "sweep"), "1\tremux.failed\tpartition ", "1 published, 0 known already, 0 skipped (1 request to MPC)")
	expect(t, perform(t, 0, "sweep"), "0 published, ")
	expect(t, perform(t, 0, "retry", "--reason", "rejected", "--yes"), "0 tasks found")
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestBrokersThatStopEndTheRetriesWithOneLine(t *testing.T) {
	env := environment(t, allTopics())
	b, err := broker.Start(broker.Config{Topics: allTopics()})
	if err != nil {
		t.Fatal(err)
	}
	env["KAFKA_BROKERS"] = strings.Join(b.Addrs(), ",")
	output, stop := start(t, env, "retry", "--rate", "2", "first", "second", "third", "fourth")
	await(t, output, "first\tremux.failed\tpartition ")
	b.Close()
	began := time.Now()
	await(t, output, "fourth")
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("it took %v", took)
	}
	if code := stop(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	expect(t, output.String(), "not asked for: ", "third fourth\n")
	if n := strings.Count(output.String(), "\n"); n > 3 { // the third if "second" may have been written
		t.Errorf("%d lines:\n%s", n, output)
	}
}

func TestHelpKnowsEveryCommand(t *testing.T) {
	overview := perform(t, 0, "help")
	for _, name := range []string{"check", "retry", "redrive", "sweep", "explain", "receive"} {
		expect(t, overview, "remux-retrier "+name)
		expect(t, perform(t, 0, "help", name), "Usage: remux-retrier "+name)
	}
	expect(t, perform(t, 0, "help", "run"), "remux-retrier [run]")
	expect(t, perform(t, 2, "help", "frobnicate"), "unknown command")
	expect(t, perform(t, 2, "help", "check", "retry"), "one command")
	expect(t, perform(t, 2, "check", "--nope"), "Usage: remux-retrier check")
}
