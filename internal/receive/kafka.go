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
	// checkEvery is how often one partition's leader is asked. checkTimeout bounds each check.
	checkEvery, checkTimeout = time.Second, 3 * time.Second
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

	mu            sync.Mutex
	checked       bool
	checks        int
	partitions    int
	partitionsErr string         // why the number of partitions is not known
	unreachable   map[int]string // why, by partition
	writeErr      string         // of the latest write
	writeFailedAt time.Time
}

func newTopic(k Kafka, name string, c clock.Clock, log logrus.FieldLogger) *topic {
	return &topic{kafka: k, name: name, clock: c, notice: notice.New(log), unreachable: map[int]string{}}
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
		t.writeErr = ""
	case rejected(err): // smaller records may be accepted
	case !errors.Is(err, context.Canceled): // which means that the sender has gone
		t.writeErr, t.writeFailedAt = err.Error(), t.clock.Now()
	}
	t.mu.Unlock()
	t.logState()
	return err
}

// rejected reports whether the topic's settings reject this record, and not all records.
func rejected(err error) bool {
	return errors.Is(err, consumer.ErrTooLarge) || errors.Is(err, consumer.ErrInvalidRecord)
}

// watch checks one partition after the other. Every second check is of an unreachable
// partition, if there is one. It calls beat before each check.
func (t *topic) watch(ctx context.Context, beat func()) {
	for {
		beat()
		t.check(ctx)
		t.logState()
		if t.clock.Sleep(ctx, checkEvery) != nil {
			return
		}
	}
}

// check asks the leader of one partition for its offsets.
func (t *topic) check(ctx context.Context) {
	within, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	partitions, err := t.kafka.Partitions(within, t.name)
	if err != nil {
		t.record(ctx, func() { t.partitionsErr = err.Error() })
		return
	}
	p := t.nextToCheck(partitions)
	_, _, err = t.kafka.Bounds(within, t.name, p)
	t.record(ctx, func() {
		t.partitions, t.partitionsErr = partitions, ""
		// The topic may have been created anew with fewer partitions.
		maps.DeleteFunc(t.unreachable, func(other int, _ string) bool { return other == p || other >= partitions })
		if err != nil {
			t.unreachable[p] = err.Error()
		}
	})
}

// record calls set with the lock held, to record the result of a check. It does nothing if
// the check failed because ctx ended.
func (t *topic) record(ctx context.Context, set func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ctx.Err() == nil {
		t.checked = true
		set()
	}
}

// nextToCheck returns a partition: alternately the next of all, and the next of those that
// are unreachable.
func (t *topic) nextToCheck(partitions int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checks++
	unreachable := slices.Sorted(maps.Keys(t.unreachable))
	switch {
	case len(unreachable) == 0:
		return t.checks % partitions
	case t.checks%2 == 0:
		return unreachable[t.checks/2%len(unreachable)]
	}
	return t.checks / 2 % partitions
}

func (t *topic) wasChecked() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.checked
}

// reachable is a readiness check: it reports whether the leaders answer.
func (t *topic) reachable() (ok bool, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !t.checked:
		return false, "starting"
	case t.partitionsErr != "":
		return false, t.partitionsErr
	}
	for _, p := range slices.Sorted(maps.Keys(t.unreachable)) {
		return false, fmt.Sprintf("partition %d: %s", p, t.unreachable[p])
	}
	return true, fmt.Sprintf("%s has %d partitions", t.name, t.partitions)
}

// writable is a readiness check: it reports whether the latest write succeeded, or failed
// long ago.
func (t *topic) writable() (ok bool, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writeErr != "" && t.clock.Now().Sub(t.writeFailedAt) < failedFor {
		return false, t.writeErr
	}
	return true, ""
}

// logState logs once that messages cannot be published, and once that they can again.
func (t *topic) logState() {
	if !t.wasChecked() {
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
