// Package memlog is an in-memory Kafka, as far as consumer.Client sees it: topics, one
// consumer group with rebalances and session timeouts, commits, and faults on demand. All
// its time comes from a clock.Clock, so that tests and simulations decide how time passes.
//
// It is not a full Kafka: it has no replication, no transactions and no protocol. Only
// tests and the simulation import it.
package memlog

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
)

// Config configures a Broker. Every field except FetchWait is required.
type Config struct {
	Clock clock.Clock
	// Topic is the topic that the group consumes.
	Topic string
	// SessionTimeout is how long a member may be silent. RebalanceTimeout is how long it
	// may keep its partitions after a rebalance has started.
	SessionTimeout, RebalanceTimeout time.Duration
	// FetchWait is how long a fetch waits for records; 0: 500 ms. Records end the wait, so
	// a simulation can use a long one and have few wake-ups.
	FetchWait time.Duration
}

// ErrUnreachable is the error of every operation while the brokers are unreachable.
var ErrUnreachable = errors.New("the brokers cannot be reached")

// Broker holds the topics and the group. Its methods are safe for concurrent use; mu guards
// everything, including the members.
type Broker struct {
	cfg Config

	mu          sync.Mutex
	topics      map[string]*topic
	group       group
	unreachable bool
	waiting     []*waiter // in order of arrival
}

type topic struct {
	partitions []*partition
	maxBytes   int // of one batch; 0: no limit
}

type partition struct {
	records     []consumer.Record
	first, next int64
}

// New returns a Broker without topics. Run makes its time pass.
func New(cfg Config) (*Broker, error) {
	if cfg.Clock == nil || cfg.Topic == "" || cfg.SessionTimeout <= 0 || cfg.RebalanceTimeout <= 0 {
		return nil, errors.New("memlog: Clock, Topic, SessionTimeout and RebalanceTimeout are required")
	}
	if cfg.FetchWait == 0 {
		cfg.FetchWait = 500 * time.Millisecond
	}
	b := &Broker{cfg: cfg, topics: map[string]*topic{}}
	b.group = group{members: map[string]*Member{}, committed: map[int]consumer.Position{}}
	return b, nil
}

// Run applies session and rebalance timeouts until the context is done.
func (b *Broker) Run(ctx context.Context) {
	for ctx.Err() == nil {
		b.mu.Lock()
		b.timeOut(b.cfg.Clock.Now())
		b.mu.Unlock()
		_ = b.cfg.Clock.Sleep(ctx, heartbeatInterval) // the loop checks why it ended
	}
}

// Create creates a topic, or adds partitions to it.
func (b *Broker) Create(name string, partitions int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.topics[name]
	if t == nil {
		t = &topic{}
		b.topics[name] = t
	}
	for len(t.partitions) < partitions {
		t.partitions = append(t.partitions, &partition{})
	}
	b.wake(nil)
}

// Delete removes a topic and, like Kafka, the group's commits for it.
func (b *Broker) Delete(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.topics, name)
	if name == b.cfg.Topic {
		clear(b.group.committed)
	}
	b.wake(nil)
}

// SetMaxBytes bounds the batches that a topic accepts: keys and values together.
func (b *Broker) SetMaxBytes(name string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.topics[name].maxBytes = n
}

// Append adds records to a partition and returns the offset of the first.
func (b *Broker) Append(name string, id int, messages ...consumer.Message) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.append(name, id, b.cfg.Clock.Now(), messages)
}

// AppendAt is Append by a producer whose clock shows at.
func (b *Broker) AppendAt(name string, id int, at time.Time, messages ...consumer.Message) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.append(name, id, at, messages)
}

func (b *Broker) append(name string, id int, stamp time.Time, messages []consumer.Message) int64 {
	p := b.topics[name].partitions[id]
	at, stamp := p.next, stamp.Round(0) // a record keeps no monotonic reading
	for _, m := range messages {
		p.records = append(p.records, consumer.Record{
			Topic: name, Partition: id, Offset: p.next, Time: stamp,
			Key: slices.Clone(m.Key), Value: slices.Clone(m.Value), Headers: slices.Clone(m.Headers),
		})
		p.next++
	}
	b.wake(p)
	return at
}

// Skip uses n offsets without records, as an aborted transaction does.
func (b *Broker) Skip(name string, id int, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.topics[name].partitions[id]
	p.next += n
	b.wake(p)
}

// Truncate removes a partition's records from an offset on, as an unclean leader election
// does.
func (b *Broker) Truncate(name string, id int, next int64) {
	b.cut(name, id, func(p *partition) { p.next = next })
}

// Retain deletes a partition's records below an offset, as retention does.
func (b *Broker) Retain(name string, id int, first int64) {
	b.cut(name, id, func(p *partition) { p.first = first })
}

func (b *Broker) cut(name string, id int, set func(*partition)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.topics[name].partitions[id]
	set(p)
	p.records = slices.DeleteFunc(p.records, func(r consumer.Record) bool {
		return r.Offset < p.first || r.Offset >= p.next
	})
	b.wake(p)
}

// Records returns all records of a topic, partition by partition.
func (b *Broker) Records(name string) []consumer.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []consumer.Record
	if t := b.topics[name]; t != nil {
		for _, p := range t.partitions {
			all = append(all, p.records...)
		}
	}
	return all
}

// partition returns one. mu is held.
func (b *Broker) partition(name string, id int) (*partition, error) {
	t := b.topics[name]
	if t == nil || id >= len(t.partitions) {
		return nil, consumer.ErrUnknownTopic
	}
	return t.partitions[id], nil
}
