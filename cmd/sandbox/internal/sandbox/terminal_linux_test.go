package sandbox

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/term"
)

// openTerminal returns the two ends of a pseudo-terminal: the user's (keys and screen) and
// the program's.
func openTerminal(t *testing.T) (user, tty *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	var number, locked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, user.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return user, tty
}

func mode(t *testing.T, tty *os.File) term.State {
	t.Helper()
	state, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

func TestTheTerminalIsAsItWasInTheEnd(t *testing.T) {
	_, tty := openTerminal(t)
	was := mode(t, tty)
	restore, err := makeRaw(tty)
	if err != nil {
		t.Fatal(err)
	}
	if mode(t, tty) == was {
		t.Error("it is not raw")
	}
	restore()
	restore() // has no further effect
	if mode(t, tty) != was {
		t.Error("it is left raw")
	}
}

// After a panic or a SIGKILL only the guard can restore the terminal: its pipe closes.
func TestTheGuardRestoresTheTerminalOfADeadParent(t *testing.T) {
	_, tty := openTerminal(t)
	was := mode(t, tty)
	end, err := startGuard(tty)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(tty.Fd())); err != nil {
		t.Fatal(err)
	}
	end()
	if mode(t, tty) != was {
		t.Error("it is left raw")
	}
}

func TestKeysWorkOnATerminalAndAreOffWithoutOne(t *testing.T) {
	user, tty := openTerminal(t)
	t.Setenv("TERM", "xterm")
	was := mode(t, tty)
	screen, stderr, code := newOutput(), newOutput(), make(chan int)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(screen, user) // ends when the terminal is gone
	}()
	go func() { code <- Run(t.Context(), nil, tty, tty, stderr) }()
	screen.await(t, `✓ .*plain`)
	screen.await(t, `MPC healthy │ service is calling`)
	fmt.Fprint(user, "l")
	screen.await(t, `MPC losing for`)
	fmt.Fprint(user, "q")
	if got := <-code; got != exitExpected || stderr.String() != "" {
		t.Fatalf("exit %d\n%s%s", got, screen, stderr)
	}
	if mode(t, tty) != was {
		t.Error("it is left raw")
	}
	// The terminal is gone when no read of it is in progress. After Close none can
	// begin, and this key ends the last one.
	tty.Close()
	fmt.Fprint(user, "\n")
	<-shown
	user.Close()

	if terminalOf(strings.NewReader("d"), tty) != nil || terminalOf(tty, io.Discard) != nil {
		t.Error("a pipe is taken for a terminal")
	}
}
