//go:build kafka

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The example in EVENTS.md is run as it is written there, with kcat, and must
// print the same.
func TestTheGuidesExampleDoesWhatItSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 8})
	r.start().ready()
	guide, err := os.ReadFile("../../docs/EVENTS.md")
	must(t, err)
	_, example, _ := strings.Cut(string(guide), "\n## An example\n")
	example, _, _ = strings.Cut(example, "\n## ")
	if strings.Count(example, "| kcat") != 2 || strings.Count(example, "$ kcat") != 2 {
		t.Fatalf("expected two events, and two commands that show their outcomes:\n%s", example)
	}
	published := 0
	lines := strings.Split(example, "\n")
	for i, line := range lines {
		command := strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		switch {
		case strings.HasPrefix(command, "echo "):
			r.shell(command)
			published++
		case strings.HasPrefix(command, "kcat "):
			r.waitForAnswers(published, 20*time.Second)
			var want []string
			for _, printed := range lines[i+1:] {
				if strings.TrimSpace(printed) == "" {
					break
				}
				want = append(want, strings.TrimPrefix(printed, "    "))
			}
			r.prints(command, strings.Join(want, "\n"))
		}
	}
}

// prints checks the output of a command, except for what differs in each run.
func (r *rig) prints(command, want string) {
	r.t.Helper()
	got := r.shell(command)
	got = strings.NewReplacer(r.group+".", "remux.", "/remux-retrier/"+r.group, "/remux-retrier/remux-retrier").Replace(got)
	if got, want := withoutVariableText(got), withoutVariableText(want); got != want {
		r.t.Errorf("%s\nprints\n%s\nand in EVENTS.md\n%s", command, got, want)
	}
}

var variableText = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|\d{13}|(partition":|partition=|remux\.failed:)\d+`)

// withoutVariableText removes times, and partitions, which depend on the topic's number of
// them.
func withoutVariableText(text string) string {
	return variableText.ReplaceAllString(strings.TrimSpace(text), "$1…")
}

// shell runs a command of EVENTS.md with the rig's brokers and topics.
func (r *rig) shell(command string) string {
	r.t.Helper()
	command = strings.NewReplacer("127.0.0.1:9092", r.brokers[0], "-t remux.", "-t "+r.group+".").Replace(command)
	out, err := exec.CommandContext(r.ctx, "bash", "-c", "set -o pipefail; "+command).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v (kcat is Debian's package of that name)\n%s", command, err, out)
	}
	return string(out)
}
