package command

import (
	"bytes"
	"context"
	"flag"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"remux-retrier/consumer"
	"remux-retrier/internal/history"
	"remux-retrier/internal/redrive"
)

// ask runs a command that gets as far as the configuration, which is empty.
func ask(t *testing.T, name string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code, known := Run(context.Background(), Env{Stdout: &out, Stderr: &err}, name, args)
	if !known {
		t.Fatalf("there is no %s", name)
	}
	return code, out.String(), err.String()
}

func TestWrongUsageIsExitCode2WithUsage(t *testing.T) {
	for _, args := range [][]string{
		{"check", "now"}, {"check", "--fast"},
		{"retry"}, {"retry", "--force"}, {"retry", "--force=perhaps", "1"}, {"retry", "1", "--nope"},
		{"retry", "--since", "yesterday"}, {"sweep", "all"}, {"sweep", "--since", "yesterday"}, {"sweep", "--limit", "many"},
		{"redrive", "all"}, {"redrive", "--limit", "many"}, {"redrive", "--limit"},
		{"explain"}, {"explain", "1", "2"}, {"explain", "--since", "yesterday", "1"},
	} {
		code, out, err := ask(t, args[0], args[1:]...)
		if code != 2 || out != "" || !strings.Contains(err, "Usage: remux-retrier "+args[0]) || strings.Count(err, "\n") > 20 || regexp.MustCompile(`\s-[a-z]{2}`).MatchString(err) {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out, err)
		}
	}
}

// Package flag writes an option with one dash. Errors and help texts must write it with two,
// as a user types it.
func TestOptionsAreWrittenAsTheyAreTyped(t *testing.T) {
	for says, args := range map[string][]string{
		"not defined: --fast":                         {"check", "--fast"},
		"needs an argument: --limit":                  {"redrive", "--limit"},
		`"many" for flag --limit`:                     {"redrive", "--limit", "many"},
		`invalid boolean value "perhaps" for --force`: {"retry", "--force=perhaps", "1"},
	} {
		if _, _, err := ask(t, args[0], args[1:]...); !strings.Contains(err, says) {
			t.Errorf("%q: %q", args, err)
		}
	}
	for _, c := range commands() {
		var help bytes.Buffer
		Help(&help, c.name)
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.prepare(flags)
		flags.VisitAll(func(f *flag.Flag) {
			if !strings.Contains(help.String(), "\n  --"+f.Name) {
				t.Errorf("%s: --%s is not in its help: %s", c.name, f.Name, &help)
			}
		})
	}
}

func TestHelpFits100Columns(t *testing.T) {
	var help bytes.Buffer
	for _, name := range Names() {
		Help(&help, name)
	}
	Summary(&help)
	for line := range strings.Lines(help.String()) {
		if utf8.RuneCountInString(line) > 101 {
			t.Errorf("too long: %s", line)
		}
	}
}

func TestWrongValuesAreExitCode2AndNamed(t *testing.T) {
	for says, args := range map[string][]string{
		"--limit must":       {"redrive", "--limit", "-1"},
		"--rate must":        {"redrive", "--rate", "-0.5"},
		"one of tombstone":   {"redrive", "--reason", "bad"},
		"--task: ":           {"redrive", "--task", "a\x1b[2J"},
		"both":               {"retry", "--reason", "rejected", "1"},
		"cannot ask for":     {"retry", "--reason", "rejected"},
		"must be some of":    {"retry", "--yes", "--reason", "rejected,accepted"},
		"goes with":          {"retry", "--since", "1h", "1"},
		"--since must be":    {"retry", "--yes", "--code", "MPC.1", "--since", "-1h"},
		"--since must":       {"sweep", "--since", "-1h"},
		"--until must be a":  {"sweep", "--until", "yesterday"},
		"later than":         {"sweep", "--since", "1h", "--until", "2h"},
		"--calls must":       {"sweep", "--calls", "-1"},
		"--since and":        {"explain", "--since", "-1h", "1"},
		"neither a code nor": {"explain", strings.Repeat("9", 10<<20)},
		"control character":  {"explain", "\x1b[2J"},
	} {
		code, out, err := ask(t, args[0], args[1:]...)
		if code != 2 || out != "" || !strings.Contains(err, says) || len(err) > 600 || strings.Contains(err, "\x1b") {
			t.Errorf("%.60q: exit code %d, %q, %.600q", args, code, out, err)
		}
	}
}

func TestWithoutConfigurationIsExitCode2(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "") // counts as not set
	for _, args := range [][]string{{"check"}, {"retry", "1"}, {"retry", "--yes", "--code", "MPC.1"}, {"redrive"}, {"sweep"}, {"explain", "1"}} {
		if code, out, err := ask(t, args[0], args[1:]...); code != 2 || !strings.Contains(out+err, "KAFKA_BROKERS is not set") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out, err)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, name := range Names() {
		var help bytes.Buffer
		if !Help(&help, name) || !strings.Contains(help.String(), "Usage: remux-retrier "+name) {
			t.Errorf("%s: %q", name, help.String())
		}
		for _, asked := range []string{"-h", "--help"} {
			if code, out, err := ask(t, name, asked); code != 0 || out != help.String() || err != "" {
				t.Errorf("%s %s: exit code %d, %q, %q", name, asked, code, out, err)
			}
		}
	}
	if Help(io.Discard, "frobnicate") {
		t.Error("there is help for what is no command")
	}
}

func TestCodesAreExplainedWithoutConfiguration(t *testing.T) {
	code, out, err := ask(t, "explain", "MPC.10213")
	if code != 0 || !strings.Contains(out, "already_running") || err != "" {
		t.Errorf("exit code %d, %q, %q", code, out, err)
	}
	code, out, err = ask(t, "explain", "apig.0308", "--json")
	if code != 0 || !strings.Contains(out, `"code": "APIG.0308"`) || err != "" {
		t.Errorf("exit code %d, %q, %q", code, out, err)
	}
}

func TestFlagsMayStandAnywhere(t *testing.T) {
	for args, want := range map[string][]string{
		"--force 1 2": {"1", "2"}, "1 --force 2": {"1", "2"}, "1 2 --force": {"1", "2"},
		"--force -- -1 --x": {"-1", "--x"}, "1 --force -- --x": {"1", "--x"},
	} {
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		force := flags.Bool("force", false, "")
		rest, err := parse(flags, strings.Fields(args))
		if err != nil || !slices.Equal(rest, want) || !*force {
			t.Errorf("%q: %q, %v, %v", args, rest, *force, err)
		}
	}
}

func TestATasksStoryIsPrintable(t *testing.T) {
	var out bytes.Buffer
	tell(&out, history.History{TaskID: "\u202e<script>", Complete: true})
	if strings.Contains(out.String(), "\u202e") || !strings.Contains(out.String(), "<script>") {
		t.Errorf("%q", out.String())
	}
}

func TestTheBarGoesFromEmptyToFull(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		full  int
		says  string
	}{{0, 100, 0, "  0 %"}, {50, 100, 10, " 50 %"}, {99, 100, 19, " 99 %"}, {100, 100, 20, "100 %"}, {0, 0, 20, "100 %"}} {
		if got := bar(c.n, c.of); strings.Count(got, "█") != c.full || strings.Count(got, "·") != 20-c.full || !strings.HasSuffix(got, c.says) {
			t.Errorf("%d of %d: %s", c.n, c.of, got)
		}
	}
}

func TestInAPipeThereIsNoBar(t *testing.T) {
	var out, err bytes.Buffer
	s := newShow(Env{Stdout: &out, Stderr: &err}, false)
	for i := range int64(1000) {
		s.Progress(redrive.Totals{Read: i, Of: 1000})
	}
	s.end()
	if strings.ContainsAny(err.String(), "\r\x1b█") || strings.Count(err.String(), "\n") > 1 {
		t.Errorf("%q", err.String())
	}
}

// A producer may have used the name; the service's header comes after the producer's.
func TestADryRunShowsTheServicesReason(t *testing.T) {
	var out bytes.Buffer
	s := newShow(Env{Stdout: &out, Stderr: io.Discard}, true)
	s.Selected(&consumer.Record{Headers: []consumer.Header{
		{Key: "dead-letter-reason", Value: []byte("theirs")}, {Key: "dead-letter-reason", Value: []byte("not_json")},
	}})
	if !strings.HasSuffix(out.String(), ", not_json\n") {
		t.Errorf("%q", out.String())
	}
}

func TestAProblemIsSaidOnce(t *testing.T) {
	var out, err bytes.Buffer
	s := newShow(Env{Stdout: &out, Stderr: &err}, false)
	for range 5 {
		s.Problem("the brokers are away")
	}
	s.Problem("")
	s.Problem("")
	if err.String() != "waiting: the brokers are away\ncontinuing\n" || out.Len() > 0 {
		t.Errorf("%q, %q", out.String(), err.String())
	}
}

func TestAnEmptyOptionDoesNotMeanEverything(t *testing.T) {
	for says, args := range map[string][]string{
		"--task is empty":     {"redrive", "--task", ""},
		"--reason is empty":   {"redrive", "--reason="},
		"--code is empty":     {"retry", "--code", ""},
		"--reason is empty: ": {"retry", "--reason", " , "},
		"--until is empty":    {"sweep", "--until", ""},
		"--limit must":        {"redrive", "--limit", "0"},
		"--rate must":         {"redrive", "--rate", "0"},
		"--rate must be":      {"redrive", "--rate", "NaN"},
		"at least one task":   {"retry"},
		"takes no arguments":  {"check", "now"},
		"one code or one tas": {"explain", "1", "2"},
	} {
		if code, out, err := ask(t, args[0], args[1:]...); code != 2 || out != "" || !strings.Contains(err, says) {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out, err)
		}
	}
}
