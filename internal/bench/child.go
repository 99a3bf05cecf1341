package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// child is one contestant's process.
type child struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// start runs a contestant against its topics and the API.
func start(who, binary string, s setting, t topics, brokers, endpoint string) (*child, error) {
	c := &child{ended: make(chan struct{})}
	c.cmd = exec.Command(binary)
	if who != contestants[0] {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		c.cmd = exec.Command(self, bareArg)
	}
	c.cmd.Env = append(os.Environ(),
		"KAFKA_BROKERS="+brokers, "KAFKA_GROUP_ID="+t.failed,
		"KAFKA_TOPIC_FAILED="+t.failed, "KAFKA_TOPIC_RETRIED="+t.retried,
		"KAFKA_TOPIC_RETRY_FAILED="+t.retryFailed, "KAFKA_TOPIC_DEAD_LETTER="+t.dead,
		"MPC_ENDPOINT="+endpoint, "MPC_PROJECT_ID=bench", "MPC_AUTH_TOKEN=bench",
		"MPC_REQUESTS_PER_MINUTE=unlimited", "MPC_MAX_IN_FLIGHT="+strconv.Itoa(s.inFlight),
		// One log line an event is the service's alone; it is not what is compared.
		"HTTP_ADDR=", "LOG_LEVEL=warn",
	)
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = c.cmd.Wait() // its end by SIGTERM is an error too; the figures tell
		close(c.ended)
	}()
	return c, nil
}

// stop ends the process and returns the CPU time it used.
func (c *child) stop() (time.Duration, error) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
		return 0, fmt.Errorf("did not stop\n%s", c.output.String())
	}
	state := c.cmd.ProcessState
	return state.UserTime() + state.SystemTime(), nil
}

// api answers every call with 200 after the latency.
func api(latency time.Duration) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(latency)
		w.WriteHeader(http.StatusOK)
	})}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), func() { _ = server.Shutdown(context.Background()) }, nil
}
