package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Names of the contestants.
const (
	service = "service"
	kafkaGo = "kafka-go loop"
	franzGo = "franz-go loop"
)

// setting is the configuration of a run, the same for all contestants.
type setting struct {
	latency    time.Duration // of the API
	inFlight   int
	partitions int
	perMinute  int // the quota; 0: none
}

func (s setting) String() string {
	return fmt.Sprintf("%s in flight, %v, %s", thousands(s.inFlight), s.latency, partitionsOf(s.partitions))
}

func partitionsOf(n int) string {
	if n == 1 {
		return "1 partition"
	}
	return strconv.Itoa(n) + " partitions"
}

// child is one contestant's process.
type child struct {
	cmd      *exec.Cmd
	http     string // base URL of /metrics, and of the service's /readyz
	output   bytes.Buffer
	ended    chan struct{}
	profiled bool
}

// start starts a contestant with its topics and the API.
func (b *bench) start(who string, s setting, t topics, api *api) (*child, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	c := &child{http: "http://" + addr, ended: make(chan struct{})}
	c.cmd = exec.Command(b.binary)
	if who != service {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c.cmd = exec.Command(self, loopArg, who)
	}
	quota := "unlimited"
	if s.perMinute > 0 {
		quota = strconv.Itoa(s.perMinute)
	}
	c.cmd.Env = append(os.Environ(),
		"KAFKA_BROKERS="+b.kafka.brokers, "KAFKA_GROUP_ID="+t.retried,
		"KAFKA_TOPIC_FAILED="+t.failed, "KAFKA_TOPIC_RETRIED="+t.retried,
		"KAFKA_TOPIC_RETRY_FAILED="+t.retryFailed, "KAFKA_TOPIC_DEAD_LETTER="+t.dead,
		"MPC_ENDPOINT="+api.url, "MPC_PROJECT_ID=bench", "MPC_AUTH_TOKEN=bench",
		"MPC_REQUESTS_PER_MINUTE="+quota, "MPC_MAX_IN_FLIGHT="+strconv.Itoa(s.inFlight),
		// Only the service writes a log line for each event. Its cost depends on who
		// reads the log, so it is left out of the comparison.
		"HTTP_ADDR="+addr, "LOG_LEVEL=warn",
		"GODEBUG=gctrace=1", // a line for each collection, for gcTime
	)
	if b.profile != "" && who == service {
		c.profiled = true
		name := strings.NewReplacer(": ", "-", ", ", "-", " ", "-").Replace(b.running)
		c.cmd.Env = append(c.cmd.Env, "BENCH_PROFILE="+filepath.Join(b.profile, name))
	}
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait() // an end by SIGTERM is an error too
		close(c.ended)
	}()
	return c, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// toggleProfile begins or ends the profile. Without -profile it does nothing.
func (c *child) toggleProfile() {
	if c.profiled {
		_ = c.cmd.Process.Signal(syscall.SIGUSR1) // if the process has ended, alive reports it
	}
}

// stop ends the process with SIGTERM, as an operator does.
func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-c.ended:
		return nil
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill() // it may have ended
		<-c.ended
		return fmt.Errorf("it did not stop\n%s", c.errorOutput())
	}
}

// alive returns an error if the process has ended.
func (c *child) alive() error {
	select {
	case <-c.ended:
		return fmt.Errorf("it ended too early\n%s", c.errorOutput())
	default:
		return nil
	}
}

// errorOutput returns the output without the lines of the garbage collector. The child
// must have ended.
func (c *child) errorOutput() string {
	var lines []string
	for line := range strings.Lines(c.output.String()) {
		if !strings.HasPrefix(line, "gc ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// ready reports whether the service's /readyz answers 200.
func (c *child) ready() bool {
	res, err := http.Get(c.http + "/readyz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
