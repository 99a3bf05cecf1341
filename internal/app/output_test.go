package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	stdlog "log"
	"regexp"
	"strings"
	"testing"

	"remux-retrier/internal/config"
)

// full takes so many writes, and refuses the next one alone.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room--; f.room == -1 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestOutputThatCannotBeWrittenIsExitCode1(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "")
	for _, c := range []struct {
		args string
		room int
		want int
	}{
		{"version", 0, 1}, {"help", 0, 1}, {"help", 3, 1}, {"help check", 0, 1}, {"explain MPC.10213", 0, 1},
		{"check", 0, 2}, // of a wrong configuration
		{"version", 1, 0},
	} {
		var err bytes.Buffer
		code := Run(context.Background(), strings.Fields(c.args), "v", &full{room: c.room}, &err, nil)
		if said := strings.Contains(err.String(), "standard output is not complete: no space left\n"); code != c.want || said != (c.want != 0) {
			t.Errorf("%s, after %d writes: exit code %d, %q", c.args, c.room, code, err.String())
		}
	}
}

// net/http shows what a server sent unasked, which may be our own request's header.
func TestTheLibrarysLogIsTheServicesAndQuotesNothing(t *testing.T) {
	env := environment(t, allTopics())
	env["LOG_FORMAT"] = "json"
	output, _ := start(t, env)
	await(t, output, "starting")
	stdlog.Printf("Unsolicited response on idle HTTP channel starting with %q; err=%v", `HTTP/1.1 200 "CANARY`, nil)
	await(t, output, "Unsolicited response")
	for line := range strings.Lines(output.String()) {
		if !json.Valid([]byte(line)) || strings.Contains(line, "CANARY") {
			t.Error(line)
		}
	}
	var said bytes.Buffer
	stdlog.SetOutput(&said)
	if code := Run(context.Background(), []string{"explain", "MPC.10213"}, "v", io.Discard, io.Discard, nil); code != 0 {
		t.Errorf("exit code %d", code)
	}
	stdlog.Print("of a command's client")
	if said.Len() > 0 {
		t.Errorf("a command says %q", said.String())
	}
}

func TestALogForPeopleHasTheDateToo(t *testing.T) {
	var out bytes.Buffer
	newLogger(config.Config{LogFormat: config.Text, LogLevel: 4}, &out).Info("said")
	if !regexp.MustCompile(`^time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)" level=info msg=said\n$`).MatchString(out.String()) {
		t.Errorf("%q", out.String())
	}
}
