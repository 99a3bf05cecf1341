package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"remux-retrier/internal/notice"
)

// Bounds of one produce request, far below the brokers' usual 1 MiB.
const (
	batchRecords = 500
	batchBytes   = 512 << 10
)

// publisher writes the messages of one generation. It does not linger: a message is written
// at once, and messages that arrive during a write to their partition go with the next
// write. Partitions never wait for each other.
type publisher struct {
	g *generation

	mu     sync.Mutex
	queues map[topicPartition]*queue
	used   map[string]int   // partitions with a queue, by topic
	absent map[string]bool  // topics that do not exist, according to the brokers
	stuck  map[string]stuck // messages waiting for each problem that an operator must fix
}

type topicPartition struct {
	topic     string
	partition int
}

// unrouted stands for all of a topic's partitions while they are unknown.
const unrouted = -1

// queue holds the messages waiting for one partition. The publisher's mu guards its fields.
type queue struct {
	at      topicPartition
	notice  *notice.Notice
	waiting []*publication
	writing bool      // it has a writer
	pending int       // unacknowledged publications, including those being written
	began   time.Time // start of the current write, or when its first message came
	failing bool      // the last attempt failed
	absent  bool      // because the topic or its partition does not exist
}

// publication is a message on its way to Kafka.
type publication struct {
	Message
	alternatives []Message
	d            *Delivery
	done         func(error)
	stuck        string // what an operator must change first; empty: nothing
}

// finish tells the handler the result. It is called once.
func (p *publisher) finish(pub *publication, err error) {
	defer pub.d.recovered()
	p.setStuck(pub, StuckMessage{}, err == nil)
	if err == nil {
		pub.d.Done()
	}
	pub.d.unload()
	pub.done(err)
}

func newPublisher(g *generation) *publisher {
	return &publisher{g: g, queues: map[topicPartition]*queue{}, used: map[string]int{}, absent: map[string]bool{}, stuck: map[string]stuck{}}
}

// enqueue puts the message into its partition's queue. If the queue has no writer, it returns
// the function that writes it: the caller must run it in a goroutine of the generation's work.
// Otherwise it returns nil.
func (p *publisher) enqueue(pub *publication) (write func()) {
	q, err := p.route(pub)
	if err != nil {
		p.finish(pub, err)
		return nil
	}
	p.mu.Lock()
	q.waiting = append(q.waiting, pub)
	q.pending++
	if !q.writing { // the writer may start later, but its age counts from now
		q.writing, q.began = true, p.g.c.cfg.Clock.Now()
		write = func() { p.write(q) }
	}
	p.mu.Unlock()
	return write
}

// publish is enqueue for a caller that does not write.
func (p *publisher) publish(pub *publication) {
	if write := p.enqueue(pub); write != nil {
		p.g.work.Go(p.g.c.cfg.Clock, write)
	}
}

// route finds the message's queue. It waits while the topic's partitions are unknown.
func (p *publisher) route(pub *publication) (*queue, error) {
	ctx := p.g.owned
	partition, err := p.partitionFor(ctx, pub.Topic, pub.Key)
	if err != nil {
		n := p.queue(topicPartition{pub.Topic, unrouted}).notice
		err = p.g.c.retry(ctx, n, "publishing to "+pub.Topic, func() (err error) {
			partition, err = p.partitionFor(ctx, pub.Topic, pub.Key)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return p.queue(topicPartition{pub.Topic, partition}), nil
}

// partitionFor asks the client, and remembers whether the topic exists.
func (p *publisher) partitionFor(ctx context.Context, topic string, key []byte) (int, error) {
	partition, err := p.g.c.cfg.Client.PartitionFor(ctx, topic, key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, ErrUnknownTopic) {
		p.absent[topic] = true
	} else if err == nil {
		delete(p.absent, topic)
	}
	return partition, err
}

// queue returns the partition's queue. Each has its own notice: a partition that works must
// not report recovery for one that does not.
func (p *publisher) queue(at topicPartition) *queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[at]
	if q == nil {
		q = &queue{at: at, notice: p.g.c.cfg.Unreachable.New(p.g.log)}
		if at.partition != unrouted {
			p.used[at.topic]++
		}
		p.queues[at] = q
	}
	return q
}

// write empties a queue, batch by batch. It ends when the queue is empty, or with the
// generation.
func (p *publisher) write(q *queue) {
	for {
		p.mu.Lock()
		batch := q.next()
		q.writing, q.began = len(batch) > 0, p.g.c.cfg.Clock.Now()
		p.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		p.writeBatch(q, batch)
	}
}

// next takes a batch from the queue.
func (q *queue) next() []*publication {
	n, size := 0, 0
	for n < len(q.waiting) && n < batchRecords {
		size += len(q.waiting[n].Key) + len(q.waiting[n].Value)
		if n > 0 && size > batchBytes {
			break
		}
		n++
	}
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	if len(q.waiting) == 0 {
		q.waiting = nil
	}
	return batch
}

// writeBatch writes a batch and finishes its publications, except those that retryRejected
// publishes again. The broker rejects a whole batch because of one message or because of
// the total size, so a rejected batch is written message by message. If writing panics, the
// batch stays unanswered and the queue's next one is written.
func (p *publisher) writeBatch(q *queue, batch []*publication) {
	defer batch[0].d.recovered()
	whole := p.produce(q, batch)
	alone := rejected(whole) && len(batch) > 1
	for i, pub := range batch {
		err := whole // per message: retryRejected reads it while the next one is written
		if alone {
			err = p.produce(q, batch[i:i+1])
		}
		p.mu.Lock()
		q.pending--
		p.mu.Unlock()
		if rejected(err) || errors.Is(err, errMoved) {
			p.g.work.Go(p.g.c.cfg.Clock, func() { p.retryRejected(pub, err) })
			continue
		}
		p.finish(pub, err)
	}
}

// errMoved: the message's partition does not exist any more, its key maps to another one.
var errMoved = errors.New("the topic's partition count has changed")

// produce writes until the write is acknowledged. It does not write while the partitions
// may belong to another member: a member that slept must not contradict the answer of its
// successor.
func (p *publisher) produce(q *queue, batch []*publication) error {
	ctx, c, at := p.g.owned, p.g.c, q.at
	messages, records := make([]Message, len(batch)), make([]*Record, len(batch))
	for i, pub := range batch {
		messages[i], records[i] = pub.Message, &pub.d.Record
	}
	err := c.retry(ctx, q.notice, "publishing to "+at.topic, func() error {
		if err := p.g.awaitProof(ctx, c.publishMaxAge(), always); err != nil {
			return err
		}
		first, err := c.cfg.Client.Produce(ctx, at.topic, at.partition, messages)
		p.setFailing(q, err)
		if err == nil {
			c.cfg.Listener.Published(at.topic, at.partition, first, records)
			return nil
		}
		if !errors.Is(err, context.Canceled) {
			c.stats.publishErrors.Add(1)
		}
		if errors.Is(err, ErrUnknownTopic) {
			// A recreated topic may have fewer partitions.
			if now, err := p.partitionFor(ctx, at.topic, messages[0].Key); err == nil && now != at.partition {
				return errMoved
			}
		}
		return fmt.Errorf("partition %d: %w", at.partition, err)
	}, ErrTooLarge, ErrInvalidRecord, errMoved)
	if rejected(err) || errors.Is(err, errMoved) { // the brokers answer, and this partition may never be written to again
		p.setFailing(q, nil)
		q.notice.Over("publishing to " + at.topic + ": the brokers answer again")
	}
	return err
}

func always() bool { return true }

func (p *publisher) setFailing(q *queue, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.failing, q.absent = err != nil && !rejected(err), errors.Is(err, ErrUnknownTopic)
}

// problems returns what publishing waits for, what an operator must fix, and which
// topics do not exist.
func (p *publisher) problems() (waits []string, messages []StuckMessage, absent []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	topics := maps.Clone(p.absent)
	for _, q := range p.queues {
		if q.absent {
			topics[q.at.topic] = true
		}
	}
	for _, q := range p.queues {
		if text := q.notice.Text(); text != "" && !topics[q.at.topic] {
			waits = append(waits, text)
		}
	}
	for _, problem := range slices.Sorted(maps.Keys(p.stuck)) {
		messages = append(messages, p.stuck[problem].StuckMessage)
	}
	return slices.Sorted(slices.Values(waits)), messages, slices.Sorted(maps.Keys(topics))
}
