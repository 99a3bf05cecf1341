// Package goroutines finds goroutines that a package's tests have left running. Only
// tests import it.
package goroutines

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// grace is how long goroutines may take to end after the tests.
const grace = 5 * time.Second

// VerifyTestMain runs a package's tests, and fails if they leave goroutines behind.
// Call it from TestMain.
func VerifyTestMain(m *testing.M) {
	code := m.Run()
	if err := Left(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Left returns nil as soon as only the caller and the expected goroutines run. It waits for 5
// seconds, and then returns an error with the stacks of the others.
func Left() error {
	for deadline := time.Now().Add(grace); ; time.Sleep(10 * time.Millisecond) {
		left := others(stacks())
		switch {
		case len(left) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%d goroutines are left:\n\n%s", len(left), strings.Join(left, "\n\n"))
		}
	}
}

// stacks returns the stacks of all goroutines. The caller's is the first.
func stacks() []string {
	for b := make([]byte, 1<<20); ; b = make([]byte, 2*len(b)) {
		if n := runtime.Stack(b, true); n < len(b) {
			return strings.Split(strings.TrimSpace(string(b[:n])), "\n\n")
		}
	}
}

// expected has functions whose goroutines do not count as left behind: signal handling, and
// package testing while it runs tests.
var expected = []string{"os/signal.signal_recv(", "os/signal.loop(", "runtime.ensureSigM.", "testing.(*T).Run(", "testing.(*F).Fuzz(", "testing.runFuzzing("}

func others(stacks []string) (left []string) {
	for _, stack := range stacks[1:] {
		known := false
		for _, f := range expected {
			known = known || strings.Contains(stack, "\n"+f)
		}
		if !known {
			left = append(left, stack)
		}
	}
	return left
}
