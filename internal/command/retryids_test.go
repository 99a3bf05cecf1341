package command

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// idsOf runs the part of retry that finds out which tasks are named.
func idsOf(t *testing.T, stdin string, args ...string) ([]string, error) {
	t.Helper()
	return retryOptions{}.ids(t.Context(), Env{Stdin: strings.NewReader(stdin)}, args)
}

func TestTasksComeFromStandardInputOneALine(t *testing.T) {
	for stdin, want := range map[string][]string{
		"1\n2\n1\n":                        {"1", "2"},
		"1\r\n\r\n  2  ":                   {"1", "2"},
		"7\trejected\tMPC.10105\nb\tx\n\n": {"7", "b"},         // what --dry-run prints
		"a b\n\x1b[2J\n":                   {"a b", "\x1b[2J"}, // refused later, each by itself
		"--force\n-\n":                     {"--force", "-"},
	} {
		for _, args := range [][]string{nil, {"-"}} {
			if got, err := idsOf(t, stdin, args...); err != nil || !slices.Equal(got, want) {
				t.Errorf("%q %q: %q, %v", stdin, args, got, err)
			}
		}
	}
	if got, err := idsOf(t, "1\n", "2", "-"); err != nil || !slices.Equal(got, []string{"2", "-"}) {
		t.Errorf("a task among others: %q, %v", got, err)
	}
}

func TestNothingIsTakenFromInputThatCannotBeReadWhole(t *testing.T) {
	for name, stdin := range map[string]string{
		"empty":            "\n \n",
		"a line too long":  "1\n" + strings.Repeat("9", 1<<20) + "\n",
		"a flood of text":  strings.Repeat(strings.Repeat("9", 60_000)+"\n", maxIDBytes/60_000+1),
		"too many for one": strings.Repeat("1\n", maxIDs+1),
	} {
		if got, err := idsOf(t, stdin, "-"); err == nil || len(got) > 0 || len(err.Error()) > 300 {
			t.Errorf("%s: %d tasks, %v", name, len(got), err)
		}
	}
	if _, err := (retryOptions{}).ids(t.Context(), Env{}, nil); !errors.Is(err, errNoTask) {
		t.Errorf("no standard input: %v", err)
	}
}

func TestAnInterruptEndsTheWaitForStandardInput(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (retryOptions{}).ids(ctx, Env{Stdin: in}, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestManyTasksThatAreNotAskedForAreCountedAndNotListed(t *testing.T) {
	ids := strings.Fields(strings.Repeat("x ", 5000))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err bytes.Buffer
	askAll(ctx, Env{Stdout: io.Discard, Stderr: &err}, ids, retryOptions{}, newProgress(Env{Stderr: &err}), nil)
	if !strings.Contains(err.String(), "and 4980 more") || err.Len() > 500 {
		t.Error(err.String())
	}
}
