package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/config"
)

// full accepts a number of writes and fails only the next one.
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
		{"check", 0, 2}, // with an invalid configuration
		{"version", 1, 0},
	} {
		var err bytes.Buffer
		code := Run(context.Background(), strings.Fields(c.args), "v", &full{room: c.room}, &err, nil)
		if said := strings.Contains(err.String(), "standard output is incomplete: no space left\n"); code != c.want || said != (c.want != 0) {
			t.Errorf("%s, after %d writes: exit code %d, %q", c.args, c.room, code, err.String())
		}
	}
}

func TestALogIsTextOnATerminalAndJSONOtherwise(t *testing.T) {
	pseudo, err := os.Open("/dev/ptmx")
	if err != nil {
		t.Skip("there is no pseudo-terminal here:", err)
	}
	defer func() { _ = pseudo.Close() }()
	for _, c := range []struct {
		format config.LogFormat
		w      io.Writer
		json   bool
	}{
		{config.AutoFormat, pseudo, false}, {config.AutoFormat, &bytes.Buffer{}, true}, {config.AutoFormat, devNull(t), true},
		{config.JSON, pseudo, true}, {config.Text, &bytes.Buffer{}, false},
	} {
		if _, json := newLogger(config.Config{LogFormat: c.format}, c.w).Formatter.(*logrus.JSONFormatter); json != c.json {
			t.Errorf("%s on %T: JSON is %v", c.format, c.w, json)
		}
	}
}

// devNull is a device that is not a terminal.
func devNull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestALogForPeopleHasTheDateToo(t *testing.T) {
	var out bytes.Buffer
	newLogger(config.Config{LogFormat: config.Text, LogLevel: 4}, &out).Info("said")
	if !regexp.MustCompile(`^time="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)" level=info msg=said\n$`).MatchString(out.String()) {
		t.Errorf("%q", out.String())
	}
}
