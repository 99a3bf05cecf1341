package sandbox

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// terminal is a terminal from which single keys are read and on which a status line is
// shown.
type terminal struct {
	in io.Reader
	// width returns the number of columns.
	width func() int
	// raw makes the terminal deliver keys one by one, without echoing or interpreting
	// them, until restore is called. It may be called once.
	raw func() (restore func(), err error)
	// interrupt does the same as Ctrl-C on a terminal that is not raw.
	interrupt func()
}

// terminalOf returns the sandbox's terminal, nil if stdin or stdout is none.
func terminalOf(stdin io.Reader, stdout io.Writer) *terminal {
	in, ok := stdin.(*os.File)
	out, ok2 := stdout.(*os.File)
	if !ok || !ok2 || !isTerminal(in) || !isTerminal(out) || os.Getenv("TERM") == "dumb" {
		return nil
	}
	return &terminal{
		in: in,
		width: func() int {
			columns, _, err := term.GetSize(int(out.Fd()))
			if err != nil || columns == 0 { // some terminals report no size
				return 80
			}
			return columns
		},
		raw: func() (func(), error) { return makeRaw(in) },
		interrupt: func() {
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(os.Interrupt) // works on all systems that have a guard
			}
		},
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// makeRaw makes the terminal raw and starts a guard: after a panic in any goroutine or
// a SIGKILL no deferred function runs, and the terminal would stay without echo.
func makeRaw(tty *os.File) (restore func(), err error) {
	stopGuard, err := startGuard(tty)
	if err != nil {
		return nil, fmt.Errorf("guard the terminal: %w", err)
	}
	was, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		stopGuard()
		return nil, fmt.Errorf("read single keys: %w", err)
	}
	return sync.OnceFunc(func() {
		_ = term.Restore(int(tty.Fd()), was) // fails only if the terminal is gone
		stopGuard()
	}), nil
}
