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

// guardArgument makes the command the guard of its parent's terminal.
const guardArgument = "guard-terminal"

// startGuard starts a process that outlives this one, however it ends, and then
// gives the terminal its present mode back. It returns when the guard has seen
// that mode.
func startGuard(tty *os.File) (dismiss func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	guard := exec.Command(self, guardArgument)
	guard.Stdout = tty // to the guard it is a terminal like any other
	lifeline, err := guard.StdinPipe()
	if err != nil {
		return nil, err
	}
	seen, err := guard.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := guard.Start(); err != nil {
		return nil, err
	}
	dismiss = func() {
		_ = lifeline.Close()
		_ = guard.Wait() // it has said by then whether it could do its work
	}
	if _, err := io.ReadFull(seen, make([]byte, 1)); err != nil {
		dismiss()
		return nil, errors.New("it did not start")
	}
	return dismiss, nil
}

// standGuard is the guard's life: until its parent's end closes the lifeline.
func standGuard(lifeline io.Reader, tty *os.File, seen io.Writer) int {
	// A shell may have taken the terminal back by then; changing its mode from
	// the background is stopped by SIGTTOU unless that is ignored.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTTOU)
	was, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return exitUnexpected
	}
	fmt.Fprint(seen, ".")
	_, _ = io.Copy(io.Discard, lifeline)
	if term.Restore(int(tty.Fd()), was) != nil {
		return exitUnexpected
	}
	return exitExpected
}
