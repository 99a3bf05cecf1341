package app_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"

	"remux-retrier/internal/mpcsim"
)

const (
	producersTrace = "0af7651916cd43dd8448eb211c80319c"
	producersSpan  = "b7ad6b7169203331"
	traceparent    = "00-" + producersTrace + "-" + producersSpan + "-01"
	secretToken    = "hunter2-hunter2"
)

// lastSpans is how long a stop waits at most for a collector to accept the last spans.
const lastSpans = 3 * time.Second

// traced returns the environment of a service with a collector and a simulator in which
// task 9 already runs, and a client of its broker.
func traced(t *testing.T, collector string) (map[string]string, *kgo.Client) {
	env := environment(t, allTopics())
	sim, err := mpcsim.Start(mpcsim.Config{ProjectID: "p", Tokens: []mpcsim.Secret{secretToken}, ProcessingFor: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	if err := sim.SetTask(mpcsim.Task{ID: "9", Status: mpcsim.StatusProcessing}); err != nil {
		t.Fatal(err)
	}
	maps.Copy(env, map[string]string{
		"MPC_ENDPOINT": sim.URL(), "MPC_AUTH_TOKEN": secretToken, "MPC_REQUESTS_PER_MINUTE": "6000",
		"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_EXPORTER_OTLP_HEADERS": "authorization=" + secretToken, "OTEL_BSP_SCHEDULE_DELAY": "100",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(env["KAFKA_BROKERS"], ",")...), kgo.ConsumeTopics("remux.retried", "remux.retry_failed"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return env, client
}

func fail(t *testing.T, c *kgo.Client, value, parent string) {
	t.Helper()
	r := &kgo.Record{Topic: "remux.failed", Value: []byte(value)}
	if parent != "" {
		r.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: []byte(parent)}}
	}
	if err := c.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// outcomes waits for n outcomes and returns their traceparents by task.
func outcomes(t *testing.T, c *kgo.Client, n int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	parents := map[string]string{}
	for len(parents) < n {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("%d outcomes: %v", len(parents), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			parents[string(r.Key)] = ""
			for _, h := range r.Headers {
				if h.Key == "traceparent" {
					parents[string(r.Key)] = string(h.Value)
				}
			}
		})
	}
	return parents
}

func TestACollectorSeesAWholeEventInItsProducersTrace(t *testing.T) {
	collector := startCollector(t)
	env, client := traced(t, collector.URL)
	output, stop := start(t, env)
	fail(t, client, `{"task_id":"1"}`, traceparent)
	fail(t, client, `{"task_id":"9","error_code":"MPC.10105"}`, "")
	fail(t, client, `not JSON`, traceparent)
	published := outcomes(t, client, 2)
	await(t, output, "dead letter")
	if code := stop(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, output)
	}
	all := collector.spans()

	root, parts := of(t, all, "1")
	if root.Name != "process remux.failed" || root.Kind != otlp.Span_SPAN_KIND_CONSUMER || root.trace != producersTrace || root.parent != producersSpan {
		t.Errorf("%+v", root)
	}
	for key, want := range map[string]string{
		"messaging.system": "kafka", "messaging.operation.type": "process", "messaging.destination.name": "remux.failed",
		"messaging.consumer.group.name": "remux-retrier", "remux.outcome": "retried", "remux.reason": "accepted", "remux.attempts": "1",
	} {
		if got := root.attributes[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := names(parts); !slices.Contains(got, "PUT remux") || got[len(got)-1] != "send remux.retried" {
		t.Errorf("parts: %q", got)
	}
	send := parts[len(parts)-1]
	if want := "00-" + producersTrace + "-" + send.id + "-01"; published["1"] != want || send.Kind != otlp.Span_SPAN_KIND_PRODUCER {
		t.Errorf("the outcome's traceparent is %s, want %s", published["1"], want)
	}
	for _, s := range parts {
		if s.trace != producersTrace || s.StartTimeUnixNano < root.StartTimeUnixNano || s.EndTimeUnixNano > root.EndTimeUnixNano {
			t.Errorf("%s is not within its event", s.Name)
		}
	}

	root, parts = of(t, all, "9")
	call := parts[slices.Index(names(parts), "PUT remux")]
	query := parts[slices.Index(names(parts), "GET remux")]
	if root.attributes["remux.reason"] != "already_running" || root.trace == producersTrace || root.parent != "" || !strings.Contains(published["9"], root.trace) {
		t.Errorf("%+v, published with %s", root, published["9"])
	}
	if a := call.attributes; call.Kind != otlp.Span_SPAN_KIND_CLIENT || a["http.response.status_code"] != "403" || a["remux.mpc.error_code"] != "MPC.10213" ||
		a["http.request.method"] != "PUT" || a["server.address"] != "127.0.0.1" || call.Status.Code != otlp.Status_STATUS_CODE_ERROR {
		t.Errorf("%+v", call)
	}
	if a := query.attributes; a["remux.task_state"] != "running again, or succeeded" || query.StartTimeUnixNano < call.EndTimeUnixNano {
		t.Errorf("%+v", query)
	}

	letter := slices.IndexFunc(all, func(s span) bool { return s.attributes["remux.outcome"] == "dead_letter" })
	if letter < 0 || all[letter].trace != producersTrace || !slices.Contains(names(all), "send remux.failed.dlq") {
		t.Errorf("no trace of the dead letter: %q", names(all))
	}
	resource := texts(collector.resources[0].Resource.Attributes)
	if resource["service.name"] != "remux-retrier" || resource["service.version"] != "v1.2.3" || resource["deployment.environment.name"] != "test" {
		t.Errorf("resource: %v", resource)
	}
	if strings.Contains(collector.bodies.String(), secretToken) || strings.Contains(output.String(), secretToken) {
		t.Error("the traces contain a secret")
	}
	if n := strings.Count(output.String(), "trace_id="+producersTrace); n != 2 { // the outcome and the dead letter
		t.Errorf("%d lines have the trace's id:\n%s", n, output)
	}
}

func TestWithoutACollectorTheProducersTraceIsCarriedOn(t *testing.T) {
	env, client := traced(t, "")
	output, stop := start(t, env)
	fail(t, client, `{"task_id":"1"}`, traceparent)
	fail(t, client, `{"task_id":"2"}`, "")
	if got := outcomes(t, client, 2); got["1"] != traceparent || got["2"] != "" {
		t.Errorf("published with %q", got)
	}
	stop()
	if n := strings.Count(output.String(), "trace_id="); n != 1 || !strings.Contains(output.String(), "trace_id="+producersTrace) {
		t.Errorf("%d lines have a trace's id:\n%s", n, output)
	}
}

// Spans that a collector refuses are lost. One that hangs delays the stop by at most lastSpans.
func TestACollectorThatIsAwayOrHangsIsSaidOnceAndHoldsUpNothing(t *testing.T) {
	hanging := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hanging:
		case <-r.Context().Done():
		}
	}))
	defer hung.Close()
	defer close(hanging)
	for collector, said := range map[string]string{
		"http://127.0.0.1:1": "traces are not delivered, and spans are lost", hung.URL: "the collector has not accepted the last spans",
	} {
		t.Run(collector, func(t *testing.T) {
			env, client := traced(t, collector)
			output, stop := start(t, env)
			for _, task := range []string{"1", "2", "3"} {
				fail(t, client, `{"task_id":"`+task+`"}`, "")
			}
			outcomes(t, client, 3)
			if collector != hung.URL {
				await(t, output, said)
			}
			began := time.Now()
			code := stop()
			if took := time.Since(began); code != 0 || took > lastSpans+2*time.Second {
				t.Errorf("exit code %d after %v", code, took)
			}
			if n := strings.Count(output.String(), said); n != 1 || strings.Contains(output.String(), secretToken) {
				t.Errorf("said %d times:\n%s", n, output)
			}
		})
	}
}
