package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// asProgram makes this test binary run as the program.
const asProgram = "REMUX_RETRIER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestOutputThatCannotBeWrittenIsExitCode1(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here:", err)
	}
	defer func() { _ = full.Close() }()
	reader, gone, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	defer func() { _ = gone.Close() }()
	for says, stdout := range map[string]io.Writer{"no space left": full, "broken pipe": gone} {
		var said strings.Builder
		program := exec.CommandContext(t.Context(), os.Args[0], "explain", "MPC.10213")
		program.Env = append(os.Environ(), asProgram+"=1")
		program.Stdout, program.Stderr = stdout, &said
		var ended *exec.ExitError
		if err := program.Run(); !errors.As(err, &ended) || ended.ExitCode() != 1 || !strings.Contains(said.String(), says) ||
			strings.Count(said.String(), "\n") != 1 {
			t.Errorf("%s: %v, %q", says, err, said.String())
		}
	}
}

func TestAStopThatArrivesAsTwoSignalsIsOne(t *testing.T) {
	for name, c := range map[string]struct {
		after []time.Duration // of the signals, each since the one before
		ended bool
	}{
		"one":                    {after: []time.Duration{0}},
		"two at once":            {after: []time.Duration{0, 0}},
		"three at once":          {after: []time.Duration{0, sameSignalWithin / 2, sameSignalWithin / 4}},
		"asked again":            {after: []time.Duration{0, sameSignalWithin + time.Millisecond}, ended: true},
		"asked again in a hurry": {after: []time.Duration{0, 50 * time.Millisecond}, ended: true},
		"two, then asked again":  {after: []time.Duration{0, 0, time.Second}, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal, 2)
				var stopped, ended int
				go stopOnSignals(signals, func() { stopped++ }, func() { ended++ })
				synctest.Wait()
				if stopped > 0 {
					t.Error("stopped without a signal")
				}
				for _, d := range c.after {
					time.Sleep(d)
					signals <- syscall.SIGTERM
					synctest.Wait()
				}
				time.Sleep(2 * sameSignalWithin)
				close(signals)
				synctest.Wait()
				if stopped != 1 || ended > 1 || ended == 1 != c.ended {
					t.Errorf("stopped %d times, ended %d times", stopped, ended)
				}
			})
		})
	}
}

// A collector of JSON lines must be able to parse the last line, too.
func TestTheSecondSignalIsALineOfTheLog(t *testing.T) {
	var said strings.Builder
	log := logrus.New()
	log.SetOutput(&said)
	log.SetFormatter(&logrus.JSONFormatter{})
	logWithin(time.Minute, log, "second signal: ending at once")
	if !strings.HasPrefix(said.String(), "{") || !strings.Contains(said.String(), `"msg":"second signal: ending at once"`) {
		t.Errorf("%q", said.String())
	}
}

// blocked is a log output that is never read.
type blocked struct{}

func (blocked) Write([]byte) (int, error) { select {} }

func TestTheSecondSignalEndsTheProcessEvenIfTheLogBlocks(t *testing.T) {
	log := logrus.New()
	log.SetOutput(blocked{})
	ended := make(chan struct{})
	go func() {
		logWithin(time.Millisecond, log, "second signal: ending at once")
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it waits for a reader")
	}
}

func TestSIGHUPReadsTheFilesAgainAndEndsNothing(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := exec.CommandContext(t.Context(), os.Args[0], "run")
	program.Env = append(os.Environ(), asProgram+"=1", "KAFKA_BROKERS=127.0.0.1:1", "MPC_REGION=cn-north-4", "MPC_PROJECT_ID=p",
		"MPC_AUTH_TOKEN_FILE="+token, "HTTP_ADDR=")
	stderr, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = program.Process.Kill() }).Stop()
	// Each signal is sent when the log has a line that contains after.
	signals := []struct {
		after string
		send  os.Signal
	}{{"waiting for the brokers", syscall.SIGHUP}, {"SIGHUP: reread", syscall.SIGHUP}, {"SIGHUP: reread", syscall.SIGTERM}}
	changed := false
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if len(signals) == 0 || !strings.Contains(lines.Text(), signals[0].after) {
			changed = changed || strings.Contains(lines.Text(), "MPC_AUTH_TOKEN_FILE has changed")
			continue
		}
		if err := errors.Join(os.WriteFile(token, []byte("new"), 0o600), program.Process.Signal(signals[0].send)); err != nil {
			t.Error(err)
		}
		signals = signals[1:]
	}
	if err := program.Wait(); err != nil || len(signals) > 0 || !changed {
		t.Errorf("%v, signals not sent: %v, change noticed: %v", err, signals, changed)
	}
}
