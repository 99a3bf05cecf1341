package history_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/history"
)

var errForbidden = errors.New("the brokers' ACLs must allow READ")

// forbidding is a Kafka that refuses fetches of one topic.
type forbidding struct {
	history.Kafka
	topic string
}

func (f forbidding) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	if topic == f.topic {
		return consumer.Page{}, errForbidden
	}
	return f.Kafka.Fetch(ctx, topic, partition, offset, maxBytes)
}

// The documented rights do not include READ on the dead letters.
func TestWithoutTheRightToReadDeadLettersTheRestIsTold(t *testing.T) {
	for topic, told := range map[string]bool{"dlq": true, "f": false, "ok": false} {
		inWorld(t, func(w *world) {
			w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
			if _, err := w.m.Produce(context.Background(), "dlq", 0, []consumer.Message{{Topic: "dlq", Key: []byte("7"), Value: []byte("7")}}); err != nil {
				t.Fatal(err)
			}
			h, err := w.reader(func(c *history.Config) {
				c.Kafka, c.Refused = forbidding{w.m, topic}, func(err error) bool { return errors.Is(err, errForbidden) }
			}).Task(context.Background(), "7")
			if (err == nil) != told {
				t.Fatalf("without %s: %v", topic, err)
			}
			if !told {
				return
			}
			if !h.Complete || len(h.Entries) != 2 || len(h.NotRead) != 1 || !strings.Contains(h.NotRead[0].String(), "topic dlq could not be read") ||
				!strings.Contains(h.NotRead[0].String(), errForbidden.Error()) {
				t.Errorf("%+v", h)
			}
		})
	}
}
