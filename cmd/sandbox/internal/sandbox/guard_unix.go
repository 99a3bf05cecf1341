//go:build unix

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// guardArgument makes the program guard its parent's terminal.
const guardArgument = "guard-terminal"

// startGuard starts a process that restores the terminal's current mode when this
// process ends, however it ends. It returns when the guard has read that mode.
func startGuard(tty *os.File) (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	guard := exec.Command(self, guardArgument)
	guard.Stdout = tty
	parent, err := guard.StdinPipe() // closed when this process ends
	if err != nil {
		return nil, err
	}
	ready, err := guard.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, err
	}
	stop = func() {
		_ = parent.Close()
		_ = guard.Wait() // its exit code does not matter here
	}
	if _, err := io.ReadFull(ready, make([]byte, 1)); err != nil {
		stop()
		return nil, errors.New("it did not start")
	}
	return stop, nil
}

// runGuard is the guard's main function. It waits until the pipe from its parent is
// closed, and restores the terminal.
func runGuard(parent io.Reader, tty *os.File, ready io.Writer) int {
	// A shell may own the terminal by then. SIGTTOU stops a background process that
	// changes the mode, unless it is ignored.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTTOU)
	was, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return exitUnexpected
	}
	fmt.Fprint(ready, ".")
	_, _ = io.Copy(io.Discard, parent)
	if term.Restore(int(tty.Fd()), was) != nil {
		return exitUnexpected
	}
	return exitExpected
}
