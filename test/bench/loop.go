package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/segmentio/kafka-go"
)

// loopArg and a contestant's name as arguments make this program a bare loop. It is
// configured by the service's environment variables.
const loopArg = "bare-loop"

// linger is how long a client may collect messages before it sends them.
const linger = time.Millisecond

// loop is the code that both bare loops share: the call and the outcome. Such a loop is
// written in an afternoon. It commits in order, so a crash loses no event. But it loses
// events whose call fails, repeats calls after a crash, decides nothing, and has no quota
// and no handling of outages.
type loop struct {
	brokers                []string
	group, topic, answered string
	url, token             string

	client  *http.Client
	slots   chan struct{} // calls in flight
	publish func(context.Context, kafka.Message) error
}

func runLoop(name string) error {
	inFlight, err := strconv.Atoi(os.Getenv("MPC_MAX_IN_FLIGHT"))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	l := &loop{
		brokers: strings.Split(os.Getenv("KAFKA_BROKERS"), ","), group: os.Getenv("KAFKA_GROUP_ID"),
		topic: os.Getenv("KAFKA_TOPIC_FAILED"), answered: os.Getenv("KAFKA_TOPIC_RETRIED"),
		url:   os.Getenv("MPC_ENDPOINT") + "/v1/" + os.Getenv("MPC_PROJECT_ID") + "/remux",
		token: os.Getenv("MPC_AUTH_TOKEN"),
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{MaxIdleConns: inFlight, MaxIdleConnsPerHost: inFlight, MaxConnsPerHost: inFlight},
		},
		slots: make(chan struct{}, inFlight),
	}
	// Allocations are read from /metrics, as for the service.
	go func() { _ = http.ListenAndServe(os.Getenv("HTTP_ADDR"), promhttp.Handler()) }()
	if name == franzGo {
		return l.runFranzGo(ctx)
	}
	return l.runKafkaGo(ctx)
}

// answer makes the call for one event and publishes the outcome. The caller has acquired
// a slot, which answer releases after the call.
func (l *loop) answer(ctx context.Context, e kafka.Message) {
	var event struct {
		TaskID      string `json:"task_id"`
		ErrorCode   string `json:"error_code"`
		Description string `json:"description"`
	}
	err := json.Unmarshal(e.Value, &event)
	if err == nil {
		err = l.call(ctx, event.TaskID)
	}
	<-l.slots
	if err == nil {
		err = l.publish(ctx, outcome(e, event.TaskID, event.ErrorCode, event.Description))
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func (l *loop) call(ctx context.Context, task string) error {
	body, err := json.Marshal(map[string]string{"task_id": task})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, l.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", l.token)
	res, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s", res.Status)
	}
	return nil
}

type failedEvent struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	Timestamp time.Time `json:"timestamp"`
}

// outcome returns an outcome of the same size and with the same key as the service's.
func outcome(e kafka.Message, task, code, description string) kafka.Message {
	now := time.Now().UTC()
	value, err := json.Marshal(struct {
		TaskID      string            `json:"task_id"`
		Outcome     string            `json:"outcome"`
		Reason      string            `json:"reason"`
		Message     string            `json:"message"`
		Retries     int               `json:"retries"`
		Attempts    int               `json:"attempts"`
		FailedEvent failedEvent       `json:"failed_event"`
		Failure     map[string]string `json:"failure"`
		DecidedAt   time.Time         `json:"decided_at"`
	}{task, "retried", "accepted", "MPC accepted the retry.", 1, 1,
		failedEvent{e.Topic, e.Partition, e.Offset, e.Time.UTC()},
		map[string]string{"error_code": code, "description": description}, now})
	if err != nil {
		panic(err) // these values can always be encoded
	}
	m := kafka.Message{Key: []byte(task), Value: value}
	for _, h := range [...][2]string{
		{"ce_specversion", "1.0"},
		{"ce_id", e.Topic + "-" + strconv.Itoa(e.Partition) + "-" + strconv.FormatInt(e.Offset, 10) + "-" + strconv.FormatInt(e.Time.UnixMilli(), 10)},
		{"ce_source", "/bench/" + e.Topic},
		{"ce_type", "remux.retried"},
		{"ce_subject", task},
		{"ce_time", now.Format(time.RFC3339Nano)},
		{"content-type", "application/json"},
	} {
		m.Headers = append(m.Headers, kafka.Header{Key: h[0], Value: []byte(h[1])})
	}
	return m
}
