package app

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// perform runs a command line and wants its exit code.
func perform(t *testing.T, want int, args ...string) string {
	t.Helper()
	var out, err bytes.Buffer
	if code := Run(context.Background(), args, "v1.2.3", &out, &err, nil); code != want {
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

func TestHelpKnowsEveryCommand(t *testing.T) {
	overview := perform(t, 0, "help")
	for _, name := range []string{"check", "retry", "redrive", "explain"} {
		expect(t, overview, "remux-retrier "+name)
		expect(t, perform(t, 0, "help", name), "Usage: remux-retrier "+name)
	}
	expect(t, perform(t, 0, "help", "run"), "remux-retrier [run]")
	expect(t, perform(t, 2, "help", "frobnicate"), "unknown command")
	expect(t, perform(t, 2, "help", "check", "retry"), "one command")
	expect(t, perform(t, 2, "check", "--nope"), "Usage: remux-retrier check")
}
