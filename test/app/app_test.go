// Package app_test tests the program with its sockets: internal/app between an embedded
// broker and the simulators of MPC and SMN, all in the test's process.
package app_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/cmd/sandbox/broker"
	"remux-retrier/internal/app"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/mpcsim"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// start runs the service, or a command, in the given environment, until stop.
func start(t *testing.T, env map[string]string, args ...string) (output *safeBuffer, stop func() int) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	ctx, cancel := context.WithCancel(context.Background())
	output = &safeBuffer{}
	code := make(chan int, 1)
	go func() { code <- app.Run(ctx, args, "v1.2.3", output, output, nil) }()
	stop = func() int {
		cancel()
		select {
		case c := <-code:
			code <- c
			return c
		case <-time.After(20 * time.Second):
			t.Fatalf("it has not stopped\n%s", output)
			return -1
		}
	}
	t.Cleanup(func() { stop() })
	return output, stop
}

func environment(t *testing.T, topics map[string]int) map[string]string {
	t.Helper()
	b, err := broker.Start(broker.Config{Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	sim, err := mpcsim.Start(mpcsim.Config{ProjectID: "p", Tokens: []mpcsim.Secret{"token"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return map[string]string{
		"KAFKA_BROKERS": strings.Join(b.Addrs(), ","), "MPC_ENDPOINT": sim.URL(), "MPC_PROJECT_ID": "p",
		"MPC_AUTH_TOKEN": "token", "HTTP_ADDR": "", "LOG_FORMAT": "text",
	}
}

func allTopics() map[string]int {
	return map[string]int{"remux.failed": 2, "remux.retried": 2, "remux.retry_failed": 2, "remux.failed.dlq": 2}
}

func await(t *testing.T, output *safeBuffer, text string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(output.String(), text) {
		if time.Now().After(deadline) {
			t.Fatalf("%q was not logged:\n%s", text, output)
		}
		time.Sleep(10 * time.Millisecond) // the service runs in real time
	}
}

// The first log lines must say which instance of which group this is, and when it began to
// work.
func TestTheStartSaysWithWhatItWorksAndWhenItIsReady(t *testing.T) {
	env := environment(t, allTopics())
	env["KAFKA_GROUP_ID"], env["HTTP_ADDR"] = "group-7", "127.0.0.1:0"
	output, stop := start(t, env)
	await(t, output, "level=info msg=ready ")
	stop()
	first, _, _ := strings.Cut(output.String(), "\n")
	for _, part := range []string{
		"msg=starting", "version=v1.2.3", "group=group-7", `mpc="` + env["MPC_ENDPOINT"], `page="http://127.0.0.1:`,
		`topics="[remux.failed remux.retried remux.retry_failed remux.failed.dlq]"`,
	} {
		if !strings.Contains(first, part) {
			t.Errorf("the first line lacks %s: %s", part, first)
		}
	}
	if n := strings.Count(output.String(), "msg=ready "); n != 1 {
		t.Errorf("ready is said %d times:\n%s", n, output)
	}
}

// Ten lines that suspect TLS, one for each partition and purpose, hide that the broker is
// just down.
func TestABrokerThatStopsIsOneLineThatSaysRefused(t *testing.T) {
	env := environment(t, allTopics())
	b, err := broker.Start(broker.Config{Topics: allTopics()})
	if err != nil {
		t.Fatal(err)
	}
	env["KAFKA_BROKERS"] = strings.Join(b.Addrs(), ",")
	output, stop := start(t, env)
	await(t, output, "msg=ready ")
	before := len(output.String())
	b.Close()
	await(t, output, "a broker cannot be reached: dial tcp "+b.Addrs()[0]+": connect: connection refused")
	await(t, output, "generation ends")
	stop()
	for line := range strings.Lines(output.String()[before:]) {
		if strings.Contains(line, "level=warning") && !strings.Contains(line, "connection refused") && !strings.Contains(line, "left without telling the group") ||
			strings.Contains(line, "TLS is") {
			t.Errorf("besides: %s", line)
		}
	}
	if n := strings.Count(output.String(), "cannot be reached"); n != 1 {
		t.Errorf("said %d times:\n%s", n, output)
	}
}

func TestMissingTopicsAreNamedWithExitCode1(t *testing.T) {
	output, stop := start(t, environment(t, map[string]int{"remux.failed": 1, "remux.retried": 1}))
	await(t, output, "these topics do not exist: remux.retry_failed, remux.failed.dlq")
	if code := stop(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestMissingTopicsAreCreatedWhereThatIsAskedFor(t *testing.T) {
	env := environment(t, map[string]int{"remux.failed": 3})
	env["KAFKA_CREATE_TOPICS"] = "true"
	output, stop := start(t, env)
	await(t, output, "partitions assigned")
	if code := stop(); code != 0 || !strings.Contains(output.String(), "partitions=3 topics=\"[remux.retried remux.retry_failed remux.failed.dlq]\"") {
		t.Errorf("exit code %d\n%s", code, output)
	}
}

func TestAnAddressThatIsTakenIsExitCode1(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	env := environment(t, allTopics())
	env["HTTP_ADDR"] = taken.Addr().String()
	output, stop := start(t, env)
	await(t, output, "HTTP_ADDR")
	if code := stop(); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

// Alerts must fire if an instance cannot start.
func TestReadinessIsOnMetricsWhileNoBrokerAnswers(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	env := environment(t, allTopics())
	env["KAFKA_BROKERS"], env["HTTP_ADDR"] = "127.0.0.1:1", free.Addr().String()
	output, _ := start(t, env)
	await(t, output, "waiting for the brokers")
	answer, err := http.Get("http://" + env["HTTP_ADDR"] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`ready{check="brokers"} 0`, `ready{check="group"} 0`, `ready{check="ledger"} 0`, `ready{check="publishing"} 1`} {
		if !strings.Contains(string(text), "\nremux_retrier_"+line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestStoppingWhileNoBrokerAnswersIsClean(t *testing.T) {
	env := environment(t, allTopics())
	env["KAFKA_BROKERS"] = "127.0.0.1:1"
	output, stop := start(t, env)
	await(t, output, "waiting for the brokers")
	if code := stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, output)
	}
	if n := strings.Count(output.String(), "waiting for the brokers"); n != 1 {
		t.Errorf("said %d times:\n%s", n, output)
	}
	if !strings.Contains(output.String(), "stopped") {
		t.Errorf("its end is not logged:\n%s", output)
	}
}

// safeBuffer collects what the service prints while the test reads it.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
