package app

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

func TestWrongUsageIsExitCode2(t *testing.T) {
	for _, args := range [][]string{{"frobnicate"}, {"version", "now"}, {"run", "--fast"}} {
		var out, err bytes.Buffer
		if code := Run(context.Background(), args, "v", &out, &err, nil); code != 2 || out.Len() > 0 || err.Len() == 0 {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out.String(), err.String())
		}
	}
}

func TestVersionAndHelpNeedNoConfiguration(t *testing.T) {
	for _, c := range []struct{ arg, says string }{
		{"version", "remux-retrier v1.2.3\n"}, {"--version", "remux-retrier v1.2.3\n"},
		{"help", "KAFKA_BROKERS (required)"}, {"--help", "Exit codes"}, {"-h", "Exit codes"},
		{"run --help", "Exit codes"}, {"run -h", "Exit codes"}, {"version -h", "Exit codes"},
	} {
		var out, err bytes.Buffer
		if code := Run(context.Background(), strings.Fields(c.arg), "v1.2.3", &out, &err, nil); code != 0 || !strings.Contains(out.String(), c.says) || err.Len() > 0 {
			t.Errorf("%s: exit code %d, %q, %q", c.arg, code, out.String(), err.String())
		}
	}
}

func TestHelpFits100Columns(t *testing.T) {
	var out bytes.Buffer
	Run(context.Background(), []string{"help"}, "v", &out, &out, nil)
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(line) > 101 {
			t.Errorf("too long: %s", line)
		}
	}
}

func TestEveryConfigurationMistakeIsALineOfExitCode2(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "")
	t.Setenv("MPC_REQUESTS_PER_MINUTE", "0")
	t.Setenv("MPC_TIMEOUT", "soon")
	var out, err bytes.Buffer
	if code := Run(context.Background(), nil, "v", &out, &err, nil); code != 2 {
		t.Errorf("exit code %d", code)
	}
	for _, variable := range []string{"KAFKA_BROKERS", "MPC_REQUESTS_PER_MINUTE", "MPC_TIMEOUT", "MPC_PROJECT_ID"} {
		if !strings.Contains("\n"+err.String(), "\n"+variable+" ") {
			t.Errorf("%s has no line in %q", variable, err.String())
		}
	}
}
