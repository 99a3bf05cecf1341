//go:build kafka

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopWithin is more than SHUTDOWN_TIMEOUT's default.
const stopWithin = 40 * time.Second

// canary is the beginning of every secret in these tests: it must not appear in any
// output.
const canary = "canary-7f3a"

// service is one process of the service or of a sub-command.
type service struct {
	t     *testing.T
	name  string
	http  string
	cmd   *exec.Cmd
	out   *output
	ended chan struct{} // closed when the process has ended
}

// output collects what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// launch starts a process with exactly this environment, and a free HTTP_ADDR if it
// has none. The process ends with the test at the latest. Its output is searched
// for secrets and data races, and shown if the test fails.
func launch(t *testing.T, name string, env map[string]string, args ...string) *service {
	t.Helper()
	return launchProgram(t, binary, name, env, args...)
}

func launchProgram(t *testing.T, program, name string, env map[string]string, args ...string) *service {
	t.Helper()
	s := &service{t: t, name: name, out: &output{}, ended: make(chan struct{})}
	s.cmd = exec.Command(program, args...)
	s.cmd.Env = []string{"GORACE=halt_on_error=0"}
	addr, given := env["HTTP_ADDR"]
	if !given {
		addr = freeAddress(t)
		s.cmd.Env = append(s.cmd.Env, "HTTP_ADDR="+addr)
	}
	s.http = "http://" + addr
	for k, v := range env {
		s.cmd.Env = append(s.cmd.Env, k+"="+v)
	}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = s.cmd.Wait() // exitCode returns the result
		close(s.ended)
	}()
	t.Cleanup(s.cleanUp)
	return s
}

func (s *service) cleanUp() {
	if s.running() {
		_ = s.cmd.Process.Kill() // it may have ended
		<-s.ended
	}
	text := s.out.String()
	for _, never := range []string{canary, "DATA RACE", "panic: ", "goroutine 1 ["} {
		if strings.Contains(text, never) {
			s.t.Errorf("%s printed %q", s.name, never)
		}
	}
	if s.t.Failed() {
		s.t.Logf("--- output of %s\n%s", s.name, digest(text))
	}
}

// digest shortens a log: it leaves out the lines of single events, and keeps the first 20
// and the last 40 of the others.
func digest(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, `"task_id":`) {
			kept = append(kept, line)
		}
	}
	const most = 60
	if len(kept) > most {
		kept = slices.Concat(kept[:most/3], []string{"…\n"}, kept[len(kept)-2*most/3:])
	}
	return strings.Join(kept, "")
}

func (s *service) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

func (s *service) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("signal %s: %v", s.name, err)
	}
}

// exitCode waits for the end of the process and returns its exit code.
func (s *service) exitCode(within time.Duration) int {
	s.t.Helper()
	select {
	case <-s.ended:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		s.t.Fatalf("%s has not ended within %v", s.name, within)
		return -1
	}
}

// stop sends SIGTERM and expects exit code 0.
func (s *service) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.exitCode(stopWithin); code != 0 {
		s.t.Errorf("%s ended with exit code %d after SIGTERM, want 0", s.name, code)
	}
}

// kill ends the process as a crash would (SIGKILL).
func (s *service) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// get requests a path of the process's HTTP server. It returns status 0 and the error
// if that does not answer.
func (s *service) get(path string) (int, string) {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(s.http + path)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return 0, err.Error()
	}
	if strings.Contains(string(body), canary) {
		s.t.Errorf("%s shows a secret at %s", s.name, path)
	}
	return answer.StatusCode, string(body)
}

// ready waits until /readyz answers 200.
func (s *service) ready() *service {
	s.t.Helper()
	s.waitFor(45*time.Second, "to be ready", func() (bool, string) {
		status, body := s.get("/readyz")
		if status == http.StatusOK && !json.Valid([]byte(body)) {
			s.t.Fatalf("/readyz is not JSON: %s", body)
		}
		return status == http.StatusOK, body
	})
	return s
}

// waitForLog waits until the process has printed a text.
func (s *service) waitForLog(text string) {
	s.t.Helper()
	s.waitFor(30*time.Second, fmt.Sprintf("to print %q", text), func() (bool, string) {
		return strings.Contains(s.out.String(), text), ""
	})
}

func (s *service) waitFor(within time.Duration, what string, done func() (bool, string)) {
	s.t.Helper()
	waitFor(s.t, within, s.name+" "+what, func() (bool, string) {
		ok, state := done()
		if !ok && !s.running() {
			s.t.Fatalf("waiting for %s %s: it has ended with exit code %d", s.name, what, s.cmd.ProcessState.ExitCode())
		}
		return ok, state
	})
}

// waitFor polls done until it returns true. If it does not within the time, the test
// fails with the text that done returned last.
func waitFor(t *testing.T, within time.Duration, what string, done func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		ok, state := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %s", within, what, state)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// freeAddress returns a loopback address on which no program listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
