//go:build kafka

package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// result is a command's output and exit code.
type result struct {
	out, err string
	code     int
}

func (s result) all() string { return s.out + s.err }

// command runs a sub-command with the rig's environment to its end.
func (r *rig) command(env []string, args ...string) result {
	r.t.Helper()
	return r.commandUntil(env, nil, args...)
}

// commandUntil runs a sub-command and sends it SIGINT when interrupt returns true.
func (r *rig) commandUntil(env []string, interrupt func() bool, args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	for k, v := range r.env(env...) {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	if interrupt != nil {
		go func() {
			for !interrupt() {
				select {
				case <-ended:
					return
				case <-time.After(5 * time.Millisecond):
				}
			}
			_ = cmd.Process.Signal(syscall.SIGINT) // it may have ended
		}()
	}
	failure := cmd.Wait()
	close(ended)
	var exit *exec.ExitError
	if failure != nil && !errors.As(failure, &exit) {
		r.t.Fatal(failure)
	}
	s := result{out.String(), err.String(), cmd.ProcessState.ExitCode()}
	for _, never := range []string{canary, "DATA RACE", "panic: "} {
		if strings.Contains(s.all(), never) {
			r.t.Errorf("%q printed %q:\n%s", args, never, s.all())
		}
	}
	return s
}

// want checks the exit code, and that the output contains each of the texts.
func (s result) want(t *testing.T, code int, words ...string) result {
	t.Helper()
	if s.code != code {
		t.Errorf("exit code %d, want %d:\n%s", s.code, code, s.all())
	}
	for _, w := range words {
		if !strings.Contains(s.all(), w) {
			t.Errorf("not printed: %q:\n%s", w, s.all())
		}
	}
	return s
}
