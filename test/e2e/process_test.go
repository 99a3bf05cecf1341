//go:build kafka

package e2e

import (
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

func TestAWrongConfigurationIsReportedInWholeAndEndsWith2(t *testing.T) {
	t.Parallel()
	s := launch(t, "misconfigured", map[string]string{
		"KAFKA_BROKERS": "no-port", "KAFKA_SESSION_TIMEOUT": "soon", "KAFKA_SASL_PASSWORD": canary + "-sasl",
		"KAFKA_SASL_MECHANISM": "NTLM", "MPC_ENDPOINT": "http://example.com", "MPC_AUTH_TOKEN": canary + "-token\nX-Evil: 1",
		"MPC_ACCESS_KEY": canary + "-ak", "IAM_PASSWORD": canary + "-iam", "MPC_REQUESTS_PER_MINUTE": "0",
		"RETRY_SKIP_CODES": "all", "SHUTDOWN_TIMEOUT": "1s", "LOG_LEVEL": "loud", "HTTP_ADDR": "here",
	})
	if code := s.exitCode(20 * time.Second); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	lines := strings.Split(strings.TrimSpace(s.out.String()), "\n")
	for _, variable := range []string{
		"KAFKA_BROKERS", "KAFKA_SESSION_TIMEOUT", "KAFKA_SASL_MECHANISM", "MPC_ENDPOINT", "MPC_PROJECT_ID",
		"MPC_REQUESTS_PER_MINUTE", "RETRY_SKIP_CODES", "SHUTDOWN_TIMEOUT", "LOG_LEVEL", "HTTP_ADDR",
	} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, variable+" ") }) {
			t.Errorf("no line about %s", variable)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"version":     {0, "remux-retrier"},
		"help":        {0, "KAFKA_BROKERS"},
		"consume":     {2, "consume"},
		"run at-once": {2, "at-once"},
	} {
		s := launch(t, args, nil, strings.Fields(args)...)
		if code := s.exitCode(20 * time.Second); code != want.code || !strings.Contains(s.out.String(), want.says) {
			t.Errorf("%s: exit code %d, want %d and %q in the output", args, code, want.code, want.says)
		}
	}
}

func TestAnAddressThatIsTakenEndsWith1(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := newRig(t, options{noTopics: true})
	s := r.start("HTTP_ADDR", l.Addr().String())
	if code := s.exitCode(20 * time.Second); code != 1 || !strings.Contains(s.out.String(), "HTTP_ADDR") {
		t.Errorf("exit code %d, want 1 and HTTP_ADDR named", code)
	}
}

// A program that signals a process and its group, such as timeout, sends the signal
// twice.
func TestAnotherSignalEndsAtOnceAndADuplicateOfTheFirstDoesNot(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{Faults: mpcsim.Faults{Latency: 8 * time.Second}}})
	r.load("slow", 3)
	s := r.start("MPC_TIMEOUT", "10s").ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, 3))
	s.signal(syscall.SIGTERM)
	s.signal(syscall.SIGTERM)
	s.waitForLog("generation ends")
	time.Sleep(time.Second) // longer than the time in which signals count as one
	if strings.Contains(s.out.String(), "second signal") {
		t.Error("the duplicate of the first signal was taken for a second one")
	}
	began := time.Now()
	s.signal(syscall.SIGTERM)
	if s.exitCode(5*time.Second) == 0 || time.Since(began) > 2*time.Second {
		t.Errorf("a second SIGTERM ended the process with exit code 0 or after %v", time.Since(began))
	}
	s.waitForLog("second signal: ending at once")
}

func TestCallsUnderWayAtSIGTERMEndAndArePublished(t *testing.T) {
	t.Parallel()
	const inFlight, events = 16, 40
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{Faults: mpcsim.Faults{Latency: 1500 * time.Millisecond}}})
	r.load("task", events)
	s := r.start("MPC_MAX_IN_FLIGHT", "16").ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, inFlight))
	s.stop()
	calls := r.mpc.Counters()
	if calls.Retries != inFlight || calls.Lost != 0 {
		t.Errorf("%d calls, %d cut off: want the %d that were in flight, each complete", calls.Retries, calls.Lost, inFlight)
	}
	r.waitForAnswers(inFlight, 10*time.Second)

	// The next instance knows their results and repeats no call.
	must(t, r.mpc.SetFaults(mpcsim.Faults{}))
	r.start().ready()
	r.finishWithoutRepeats(30 * time.Second)
	r.calledOnce(t, events)
	if n := r.mpc.Counters().Queries; n != 0 {
		t.Errorf("%d state queries after a clean stop, want none", n)
	}
}

func TestWithoutBrokersItStopsWithinSeconds(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{noTopics: true})
	s := r.start("KAFKA_BROKERS", freeAddress(t))
	s.waitForLog("waiting for the brokers")
	if status, body := s.get("/readyz"); status != 503 || !strings.Contains(body, "brokers") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, body := s.get("/healthz"); status != 200 {
		t.Errorf("/healthz: %d %s", status, body)
	}
	began := time.Now()
	s.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if n := strings.Count(s.out.String(), "waiting for the brokers"); n != 1 {
		t.Errorf("\"waiting for the brokers\" was logged %d times, want once", n)
	}
}
