package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/events"
)

// produce writes records and waits for their acknowledgement.
func produce(t *testing.T, c *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestAFloodOfGarbageIsAFewLines(t *testing.T) {
	env, client := traced(t, "")
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = ""
	garbage := make([]*kgo.Record, 5000)
	for i := range garbage {
		garbage[i] = &kgo.Record{Topic: "remux.failed", Value: fmt.Appendf(nil, "garbage %d", i)}
	}
	produce(t, client, garbage...)
	produce(t, client, &kgo.Record{Topic: "remux.failed", Value: []byte(`{"task_id":"1","user_data":"` + strings.Repeat("x", events.MaxUserData+1) + `"}`)})
	output, stop := start(t, env)
	await(t, output, "reason=accepted")
	await(t, output, "user_data is longer than 4096 bytes")
	deadline := time.Now().Add(20 * time.Second)
	for ends(t, client, "remux.failed.dlq") < int64(len(garbage)) {
		if time.Now().After(deadline) {
			t.Fatal("not all are dead letters")
		}
		time.Sleep(20 * time.Millisecond) // the service runs in real time
	}
	stop()
	said := output.String()
	if n := strings.Count(said, `msg="dead letter"`); n < 1 || n > 2 {
		t.Errorf("%d lines about single dead letters", n)
	}
	if !strings.Contains(said, `"dead letter, not_json: more of them within a minute`) {
		t.Errorf("the others are not counted:\n%s", said)
	}
}

// ends counts a topic's records.
func ends(t *testing.T, c *kgo.Client, topic string) (n int64) {
	t.Helper()
	listed, err := kadm.NewClient(c).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	listed.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// A program that may write to the outcome topics can answer existing events, but no later
// ones: a cover beyond the end of a partition would prevent retries for ever.
func TestAForgedCoverAnswersNoLaterFailure(t *testing.T) {
	env, client := traced(t, "")
	env["OTEL_EXPORTER_OTLP_ENDPOINT"] = ""
	// Each outcome contains the log ids.
	output, stop := start(t, env)
	produce(t, client, &kgo.Record{Topic: "remux.failed", Key: []byte("k"), Value: []byte(`{"task_id":"first"}`)})
	await(t, output, "reason=accepted")
	covers := firstOutcome(t, client).Covers
	if len(covers) != 1 || covers[0].LogID == 0 {
		t.Fatalf("covers %+v", covers)
	}
	year9999 := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, at := range []time.Time{time.Now(), year9999} {
		for _, task := range []string{"1", "2"} {
			forged := events.Outcome{
				Reason: events.Accepted, Attempts: 1, Retries: new(int), Failure: events.Failure{TaskID: task}, DecidedAt: at,
				Source: events.Source{Topic: "remux.failed", Partition: i, Offset: 1 << 40, Time: at}, Origin: events.OriginOf("remux-retrier"),
			}
			for _, c := range covers {
				forged.Covers = append(forged.Covers, events.Cover{Partition: c.Partition, End: 1 << 50, LogID: c.LogID})
			}
			m, err := forged.Encode()
			if err != nil {
				t.Fatal(err)
			}
			r := &kgo.Record{Topic: "remux.retried", Key: []byte("k"), Value: m.Value}
			for _, h := range m.Headers {
				r.Headers = append(r.Headers, kgo.RecordHeader(h))
			}
			produce(t, client, r)
		}
	}
	produce(t, client, &kgo.Record{Topic: "remux.retried", Key: []byte("k"), Value: []byte("behind them")})
	await(t, output, "is not an outcome in this version's format")
	for _, task := range []string{"1", "2"} {
		produce(t, client, &kgo.Record{Topic: "remux.failed", Key: []byte("k"), Value: []byte(`{"task_id":"` + task + `"}`)})
	}
	await(t, output, "task_id=1")
	await(t, output, "task_id=2")
	stop()
	if said := output.String(); strings.Count(said, "reason=accepted") != 3 || strings.Contains(said, "reason=covered") {
		t.Errorf("there were no calls for the failures:\n%s", said)
	}
}

// firstOutcome returns the first outcome on remux.retried or remux.retry_failed.
func firstOutcome(t *testing.T, c *kgo.Client) events.Outcome {
	t.Helper()
	var found *kgo.Record
	for found == nil && t.Context().Err() == nil {
		c.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { found = r })
	}
	var headers []events.Header
	for _, h := range found.Headers {
		headers = append(headers, events.Header(h))
	}
	o, err := events.DecodeOutcome(found.Value, headers)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
