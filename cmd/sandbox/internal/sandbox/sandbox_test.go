package sandbox

import (
	"bytes"
	"context"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/cmd/sandbox/broker"
	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == guardArgument { // a guard of a test's terminal
		os.Exit(runGuard(os.Stdin, os.Stdout, os.Stderr))
	}
	goroutines.VerifyTestMain(m)
}

// output collects what the sandbox prints.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func newOutput() *output { return &output{wrote: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.wrote <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until the pattern matches, and returns the match and its groups.
func (o *output) await(t *testing.T, pattern string) []string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if match := regexp.MustCompile(pattern).FindStringSubmatch(o.String()); match != nil {
			return match
		}
		select {
		case <-o.wrote:
		case <-deadline:
			t.Fatalf("no %q in:\n%s", pattern, o)
		}
	}
}

func TestOnceAnswersEveryEventAsExpected(t *testing.T) {
	var stdout, stderr bytes.Buffer
	started := time.Now()
	if code := Run(t.Context(), []string{"--once"}, strings.NewReader(""), &stdout, &stderr); code != exitExpected {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	for _, s := range examples() {
		if !strings.Contains(stdout.String(), s.event) || !strings.Contains(stdout.String(), s.want.reason) {
			t.Errorf("no line for %s, %s", s.event, s.want.reason)
		}
	}
	if got := strings.Count(stdout.String(), "\n✓ ") - 1; got != lines() { // and the summary
		t.Errorf("%d events are ticked off, want %d", got, lines())
	}
	if got := strings.Count(stdout.String(), successEvent); got == 0 || got != strings.Count(stdout.String(), " remux.recovered\n") {
		t.Errorf("%d tasks have succeeded, and not all are told to have recovered", got)
	}
	if strings.Contains(stdout.String(), "\x1b[") {
		t.Error("colours without a terminal")
	}
	if stderr.Len() > 0 {
		t.Errorf("the log is printed without --log: %s", &stderr)
	}
	if t.Failed() {
		t.Logf("%s", &stdout)
	}
}

// lines is how many events --once has: those of the examples, and their successes.
func lines() int {
	n := len(examples())
	for _, e := range examples() {
		if e.succeeds {
			n++
		}
	}
	return n
}

func TestNotificationsComeTheWholeWayBySMN(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := Run(t.Context(), []string{"--once", "--smn"}, strings.NewReader(""), &stdout, &stderr); code != exitExpected {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	if got := strings.Count(stdout.String(), "\n✓ ") - 1; got != lines() || !strings.Contains(stdout.String(), "subscription confirmed") {
		t.Errorf("%d events are ticked off, want %d:\n%s", got, lines(), &stdout)
	}
}

func TestAnOutageChangesNoAnswer(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := Run(t.Context(), []string{"--once", "--fault", "credentials", "--latency", "20ms"}, strings.NewReader(""), &stdout, &stderr); code != exitExpected {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), "call → 401 APIGW.0301, wait") {
		t.Errorf("no call met the outage:\n%s", &stdout)
	}
}

// With both faults, only the next call's refusal shows that a call was accepted.
func TestLostAnswersAndForbiddenQueriesAreTakenForWhatTheyAre(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := []string{"--once", "--fault", "permission", "--loss-rate", "0.4"}
	if code := Run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitExpected {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), "query → 403 APIGW.0302") || !strings.Contains(stdout.String(), "service says: MPC's state query is not permitted") {
		t.Errorf("no request met the fault:\n%s", &stdout)
	}
}

func TestABrokenExpectationIsExitOne(t *testing.T) {
	wrong := examples()[:2]
	wrong[1].want = refused("rejected")
	var stdout, stderr bytes.Buffer
	if code := runSandbox(t.Context(), options{once: true}, wrong, nil, &stdout, &stderr); code != exitUnexpected {
		t.Fatalf("exit %d\n%s%s", code, &stdout, &stderr)
	}
	for _, line := range []string{"✗ expected retry_failed, rejected", "✗ MPC carried out 1 retries; expected 0"} {
		if !strings.Contains(stdout.String(), line) {
			t.Errorf("no %q in\n%s", line, &stdout)
		}
	}
	if strings.Contains(stdout.String(), "every answer was as expected") {
		t.Errorf("the summary does not show the problem:\n%s", &stdout)
	}
}

// On the user's broker the sandbox uses its own topics and deletes them at the end.
func TestABrokerOfTheUsersOwnIsLeftAsItWas(t *testing.T) {
	theirs, err := broker.Start(broker.Config{Topics: map[string]int{"remux.failed": 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(theirs.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	ctx, interrupt := context.WithCancel(t.Context())
	stdout, stderr, code := newOutput(), newOutput(), make(chan int)
	go func() {
		code <- Run(ctx, []string{"--brokers", theirs.Addrs()[0], "--log"}, strings.NewReader(""), stdout, stderr)
	}()
	topic := stdout.await(t, `-t (remux\.failed-sandbox-\w+)`)[1]
	stdout.await(t, `✓ .* plain`)
	for _, value := range []string{`{"task_id":"4711"}`, `no event`} {
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	stdout.await(t, `✓ .* by hand +4711 +call → 200 +accepted +remux\.retried`)
	stdout.await(t, `✓ .* by hand +– .* not_json +remux\.failed\.dlq`)
	interrupt()
	if got := <-code; got != exitExpected {
		t.Fatalf("exit %d\n%s%s", got, stdout, stderr)
	}
	if !strings.Contains(stderr.String(), "partitions assigned") {
		t.Errorf("--log prints no log: %s", stderr)
	}
	left, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if names := left.Names(); len(names) != 1 || names[0] != "remux.failed" {
		t.Errorf("topics left behind: %v", names)
	}
}

func TestInterruptedOnceIsExitOne(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	stdout, stderr, code := newOutput(), newOutput(), make(chan int)
	go func() {
		code <- Run(ctx, []string{"--once", "--fault", "hanging"}, strings.NewReader(""), stdout, stderr)
	}()
	stdout.await(t, `does not answer at all`)
	interrupt()
	if got := <-code; got != exitUnexpected || !strings.Contains(stderr.String(), "interrupted") {
		t.Fatalf("exit %d\n%s%s", got, stdout, stderr)
	}
}

func TestABrokerThatIsNotThereIsSaid(t *testing.T) {
	var stderr bytes.Buffer
	if code := Run(t.Context(), []string{"--once", "--brokers", "127.0.0.1:1"}, strings.NewReader(""), io.Discard, &stderr); code != exitUnexpected {
		t.Fatalf("exit %d", code)
	}
	if !strings.Contains(stderr.String(), "no Kafka broker answers at 127.0.0.1:1") {
		t.Errorf("said: %s", &stderr)
	}
}

// If the service cannot start, its last log lines are printed.
func TestAServiceThatEndsByItselfIsExitOneWithItsLog(t *testing.T) {
	var stderr bytes.Buffer
	if code := runSandbox(t.Context(), options{once: true, http: "127.0.0.1:no"}, examples(), nil, io.Discard, &stderr); code != exitUnexpected {
		t.Fatalf("exit %d", code)
	}
	if !strings.Contains(stderr.String(), "exit code 2") || !strings.Contains(stderr.String(), "HTTP_ADDR") {
		t.Errorf("said: %s", &stderr)
	}
}
