package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"remux-retrier/internal/app"
)

// The simulator's project, and the service's key for signatures.
const (
	projectID = "sandbox"
	accessKey = "sandbox-access-key"
	secretKey = "sandbox-secret-key"
)

// ours matches the variables of the service and of receive, which may also be set in the
// user's shell.
var ours = regexp.MustCompile(`^((KAFKA|MPC|IAM|RETRY|RECEIVE|OTEL)_|(SHUTDOWN_TIMEOUT|HTTP_ADDR|LOG_LEVEL|LOG_FORMAT)=)`)

// environment returns the service's configuration.
func environment(o options, t topics, brokers []string, endpoint string) map[string]string {
	quota := "unlimited"
	if o.faults.PerMinute > 0 {
		quota = strconv.Itoa(o.faults.PerMinute)
	}
	// The task that always fails should be given up while the user watches, but no other
	// task because of random errors.
	attempts := "2"
	if o.faults.ErrorRate > 0 {
		attempts = "10"
	}
	return map[string]string{
		"KAFKA_BROKERS":            strings.Join(brokers, ","),
		"KAFKA_GROUP_ID":           t.group,
		"KAFKA_TOPIC_FAILED":       t.failed,
		"KAFKA_TOPIC_RETRIED":      t.answers[retried],
		"KAFKA_TOPIC_RETRY_FAILED": t.answers[retryFailed],
		"KAFKA_TOPIC_DEAD_LETTER":  t.answers[deadLetter],
		"KAFKA_TOPIC_RECOVERED":    t.answers[recovered],
		"KAFKA_CREATE_TOPICS":      "true",
		"MPC_ENDPOINT":             endpoint,
		"MPC_PROJECT_ID":           projectID,
		"MPC_ACCESS_KEY":           accessKey,
		"MPC_SECRET_KEY":           secretKey,
		"MPC_REQUESTS_PER_MINUTE":  quota,
		"MPC_TIMEOUT":              timeout(o).String(),
		"RETRY_MAX_ATTEMPTS":       attempts,
		"RETRY_SKIP_CODES":         skipCode,
		"SHUTDOWN_TIMEOUT":         (timeout(o) + 10*time.Second).String(),
		"HTTP_ADDR":                o.http,
		"LOG_FORMAT":               "text",
	}
}

// timeout returns MPC_TIMEOUT. It is short, because after a lost answer the service
// waits this long before it trusts a FAILED state.
func timeout(o options) time.Duration { return time.Second + 2*o.faults.Latency }

// service is the real service, running.
type service struct {
	stop  context.CancelFunc
	ended chan struct{}
	code  int // after ended
	log   *tail
}

// startService runs the service, or one of its commands, as main does. Its log goes to
// out and, line by line, to relay.
func startService(args []string, env map[string]string, out io.Writer, relay func([]byte)) (*service, error) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); ours.MatchString(entry) {
			_ = os.Unsetenv(name) // never fails
		}
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("set %s for the service: %w", name, err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &service{stop: stop, ended: make(chan struct{}), log: &tail{out: out, relay: relay}}
	go func() {
		defer close(s.ended)
		s.code = app.Run(ctx, args, "sandbox", s.log, s.log, nil)
	}()
	return s, nil
}

// tail passes a log on and keeps its last lines, to explain a sudden end.
type tail struct {
	out   io.Writer
	relay func(line []byte)

	mu    sync.Mutex
	lines [][]byte
}

const tailLines = 10

// Write takes one line: the logger writes line by line.
func (t *tail) Write(line []byte) (int, error) {
	t.relay(line)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, bytes.Clone(line))
	t.lines = t.lines[max(0, len(t.lines)-tailLines):]
	return t.out.Write(line)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Join(t.lines, nil))
}

// logLine matches a line of the service's log: level, message, fields.
var logLine = regexp.MustCompile(`^time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)(.*)`)

// logMessage returns the message of a line of the service's log, or an empty string if
// it need not be shown: the lines of single events, which have fields.
func logMessage(line string) string {
	m := logLine.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	level, message, fields := m[1], m[2], m[3]
	if strings.Contains(fields, " offset=") || level == "info" && fields != "" {
		return ""
	}
	if text, err := strconv.Unquote(message); err == nil {
		message = text
	}
	return message
}

// relayLog prints the service's messages between the lines of the events.
func (s *sandbox) relayLog(line []byte) {
	if text := logMessage(string(line)); text != "" {
		s.printer.wrapped(cyan, "  service says: ", text)
	}
}
