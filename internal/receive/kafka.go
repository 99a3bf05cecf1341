package receive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

// Kafka is what receive needs of a Kafka client, see consumer.Client.
type Kafka interface {
	Partitions(ctx context.Context, topic string) (int, error)
	PartitionFor(ctx context.Context, topic string, key []byte) (int, error)
	Bounds(ctx context.Context, topic string, partition int) (first, next int64, err error)
	Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (first int64, err error)
}

const (
	// lookEvery is how often the leader of a partition is asked; lookWithin bounds it.
	lookEvery, lookWithin = time.Second, 3 * time.Second
	// failedFor is how long a failed write makes the instance unready, unless a later one
	// succeeds. An unready instance may get no message that would show it.
	failedFor = 10 * time.Second
)

// topic is the failed topic, and whether it can be written.
type topic struct {
	kafka  Kafka
	name   string
	clock  clock.Clock
	notice *notice.Notice

	mu       sync.Mutex
	looked   bool
	of       int
	seen     int            // how many looks there were
	away     map[int]string // why a partition cannot be reached, by partition
	problem  string         // why the topic's partitions are not known
	writing  string         // why the latest write failed
	failedAt time.Time
}

func newTopic(k Kafka, name string, c clock.Clock, log logrus.FieldLogger) *topic {
	return &topic{kafka: k, name: name, clock: c, notice: notice.New(log), away: map[int]string{}}
}

// publish returns when all in-sync replicas have the record. After an error they may or
// may not have it.
func (t *topic) publish(ctx context.Context, key, value []byte) error {
	partition, err := t.kafka.PartitionFor(ctx, t.name, key)
	if err == nil {
		_, err = t.kafka.Produce(ctx, t.name, partition, []consumer.Message{{Topic: t.name, Key: key, Value: value}})
	}
	t.mu.Lock()
	switch {
	case err == nil:
		t.writing = ""
	case rejected(err): // smaller records may be accepted
	case !errors.Is(err, context.Canceled): // which means that the sender has gone
		t.writing, t.failedAt = err.Error(), t.clock.Now()
	}
	t.mu.Unlock()
	t.logState()
	return err
}

// rejected reports whether the topic's settings reject this record, and not all records.
func rejected(err error) bool {
	return errors.Is(err, consumer.ErrTooLarge) || errors.Is(err, consumer.ErrInvalidRecord)
}

// watch asks the leader of one partition after the other, twice as often of those that did
// not answer. It calls beat before each.
func (t *topic) watch(ctx context.Context, beat func()) {
	for {
		beat()
		t.look(ctx)
		t.logState()
		if t.clock.Sleep(ctx, lookEvery) != nil {
			return
		}
	}
}

func (t *topic) look(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	of, err := t.kafka.Partitions(within, t.name)
	if err != nil {
		t.found(ctx, func() { t.problem = err.Error() })
		return
	}
	p := t.next(of)
	_, _, err = t.kafka.Bounds(within, t.name, p)
	t.found(ctx, func() {
		t.of, t.problem = of, ""
		// The topic may have been created anew with fewer partitions.
		maps.DeleteFunc(t.away, func(other int, _ string) bool { return other == p || other >= of })
		if err != nil {
			t.away[p] = err.Error()
		}
	})
}

// found records the result of a look, unless ctx has ended it.
func (t *topic) found(ctx context.Context, note func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() == nil {
		t.looked = true
		note()
	}
}

// next is the partition to look at: in turn one of all, and one of those that did not
// answer.
func (t *topic) next(of int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	waiting := slices.Sorted(maps.Keys(t.away))
	switch {
	case len(waiting) == 0:
		return t.seen % of
	case t.seen%2 == 0:
		return waiting[t.seen/2%len(waiting)]
	}
	return t.seen / 2 % of
}

func (t *topic) known() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.looked
}

// reachable is a check of readiness.
func (t *topic) reachable() (ok bool, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.looked:
		return false, "starting"
	case t.problem != "":
		return false, t.problem
	}
	for _, p := range slices.Sorted(maps.Keys(t.away)) {
		return false, fmt.Sprintf("partition %d: %s", p, t.away[p])
	}
	return true, fmt.Sprintf("%s has %d partitions", t.name, t.of)
}

// writable is a check of readiness.
func (t *topic) writable() (ok bool, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writing != "" && t.clock.Now().Sub(t.failedAt) < failedFor {
		return false, t.writing
	}
	return true, ""
}

// logState logs once that messages cannot be published, and once that they can again.
func (t *topic) logState() {
	if !t.known() {
		return
	}
	for _, check := range []func() (bool, string){t.reachable, t.writable} {
		if ok, detail := check(); !ok {
			t.notice.Problem("messages of SMN are answered 503, because Kafka does not take them: " + detail)
			return
		}
	}
	t.notice.Over("messages of SMN are published again")
}
