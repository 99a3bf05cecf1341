package sandbox

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// terminal is where single keys come from and a status line stays at the bottom.
type terminal struct {
	in io.Reader
	// width is how many columns there are.
	width func() int
	// raw has keys come one by one, and neither echoes nor interprets them, until
	// restore. It may be called once.
	raw func() (restore func(), err error)
	// interrupt does what Ctrl-C does on a terminal that is not raw.
	interrupt func()
}

// terminalOf gives the terminal that the sandbox runs on; nil: there is none,
// for one side at least is something else.
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
			if err != nil || columns == 0 { // some know no size
				return 80
			}
			return columns
		},
		raw: func() (func(), error) { return makeRaw(in) },
		interrupt: func() {
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Signal(os.Interrupt) // works on every system that guard knows
			}
		},
	}
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// makeRaw makes the terminal raw, with a guard beside: a panic in any goroutine
// or a SIGKILL runs no deferred function, and a terminal without echo is a
// nuisance.
func makeRaw(tty *os.File) (restore func(), err error) {
	dismiss, err := startGuard(tty)
	if err != nil {
		return nil, fmt.Errorf("guard the terminal: %w", err)
	}
	was, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		dismiss()
		return nil, fmt.Errorf("read single keys: %w", err)
	}
	return sync.OnceFunc(func() {
		_ = term.Restore(int(tty.Fd()), was) // a terminal that is gone needs none
		dismiss()
	}), nil
}
