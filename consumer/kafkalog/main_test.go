package kafkalog

import (
	"context"
	"testing"
	"time"

	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// consumed is the topic that the tests' clients consume.
const consumed = "failed"

// soonTimeout bounds what must happen soon.
const soonTimeout = 20 * time.Second

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), soonTimeout)
	t.Cleanup(cancel)
	return ctx
}

// alone is a Client without a Kafka; it is closed with the test. Tests that need a broker
// are in test/kafkalog.
func alone(t *testing.T, brokers []string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Brokers: brokers, GroupID: "retrier", ClientID: "test", Topic: consumed}
	for _, f := range change {
		f(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}
