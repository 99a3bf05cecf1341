package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// asProgram has this test binary be the program.
const asProgram = "REMUX_RETRIER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestOutputThatNobodyTakesIsExitCode1(t *testing.T) {
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
		"three at once":          {after: []time.Duration{0, oneStop / 2, oneStop / 4}},
		"asked again":            {after: []time.Duration{0, oneStop + time.Millisecond}, ended: true},
		"asked again in a hurry": {after: []time.Duration{0, 50 * time.Millisecond}, ended: true},
		"two, then asked again":  {after: []time.Duration{0, 0, time.Second}, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal, 2)
				var stopped, ended int
				go heed(signals, func() { stopped++ }, func() { ended++ })
				synctest.Wait()
				if stopped > 0 {
					t.Error("stopped without a signal")
				}
				for _, d := range c.after {
					time.Sleep(d)
					signals <- syscall.SIGTERM
					synctest.Wait()
				}
				time.Sleep(2 * oneStop)
				close(signals)
				synctest.Wait()
				if stopped != 1 || ended > 1 || ended == 1 != c.ended {
					t.Errorf("stopped %d times, ended %d times", stopped, ended)
				}
			})
		})
	}
}
