package sandbox

import (
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEveryKeyIsOneFaultAndSaidInOneLine(t *testing.T) {
	keys, names := map[rune]bool{'q': true, 'n': true, '?': true}, map[string]bool{}
	for _, f := range catalogue {
		if keys[f.key] || names[f.name] {
			t.Errorf("%c or %s is taken", f.key, f.name)
		}
		if line := f.announce(time.Time{}); utf8.RuneCountInString(line) > 120 {
			t.Errorf("too long for a terminal: %s", line)
		}
		keys[f.key], names[f.name] = true, true
	}
}

// chunks is a reader like a terminal: each read returns one element.
type chunks []string

func (c *chunks) Read(p []byte) (int, error) {
	if len(*c) == 0 {
		return 0, io.EOF
	}
	n := copy(p, (*c)[0])
	*c = (*c)[1:]
	return n, nil
}

func TestAnArrowKeyIsNoCommand(t *testing.T) {
	var pressed []string
	readKeys(&chunks{"d", "\x1b[A", "\x1bOd", "\x1b", "Tq", "é", "\x03"}, func(key rune) { pressed = append(pressed, string(key)) })
	if got := strings.Join(pressed, " "); got != "d t q é \x03" {
		t.Errorf("pressed %q", got)
	}
}

// keyboard is a terminal on which a test presses the keys.
type keyboard struct {
	*terminal
	press       *io.PipeWriter
	restored    bool
	interrupted chan struct{}
}

func newKeyboard(t *testing.T) *keyboard {
	in, press := io.Pipe()
	k := &keyboard{press: press, interrupted: make(chan struct{}, 1)}
	k.terminal = &terminal{
		in: in, width: func() int { return 100 },
		raw:       func() (func(), error) { return func() { k.restored = true }, nil },
		interrupt: func() { k.interrupted <- struct{}{} },
	}
	t.Cleanup(func() { press.Close() })
	return k
}

func (k *keyboard) write(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(k.press, keys); err != nil {
		t.Fatal(err)
	}
}

func TestAKeyBringsAnOutageAndTheServiceComesBackFromIt(t *testing.T) {
	keys, stdout, stderr, code := newKeyboard(t), newOutput(), newOutput(), make(chan int)
	go func() { code <- runSandbox(t.Context(), options{}, examples(), keys.terminal, stdout, stderr) }()
	stdout.await(t, `✓ .* plain`)
	keys.write(t, "d")
	stdout.await(t, `── .* MPC answers 503 to everything: events wait, and none fails`)
	stdout.await(t, `service says: MPC does not serve: calls are paused`)
	stdout.await(t, `MPC down for \d+ s │ service holds calls back │ [1-9]\d* wait for MPC`)
	keys.write(t, "d")
	stdout.await(t, `── .* MPC is healthy again\r\n(?s:.*)service says: MPC serves again\r\n(?s:.*)✓ .* plain`)
	stdout.await(t, `MPC healthy for \d+ s │ service is calling`)
	keys.write(t, "?")
	stdout.await(t, `permission +MPC does not permit state queries`)
	keys.write(t, "\x03")
	<-keys.interrupted
	keys.write(t, "q")
	if got := <-code; got != exitExpected {
		t.Fatalf("exit %d\n%s%s", got, stdout, stderr)
	}
	if !keys.restored {
		t.Error("the terminal is still raw")
	}
	raw, cooked, _ := strings.Cut(stdout.String(), erase+"\n") // a line feed alone: no longer raw
	if strings.Count(raw, "\n") != strings.Count(raw, "\r\n") || !strings.Contains(cooked, "every answer was as expected") {
		t.Errorf("wrong line endings for the terminal's mode:\n%q", stdout)
	}
}
