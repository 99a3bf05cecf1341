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

// Bounds of one produce request: far below the brokers' usual 1 MiB.
const (
	batchRecords = 500
	batchBytes   = 512 << 10
)

// publisher appends the messages of one generation. There is no linger: a
// message is written at once, and what comes while a write to its partition is
// under way goes with the next. One partition never waits for another.
type publisher struct {
	g *generation

	mu     sync.Mutex
	queues map[topicPartition]*queue
	used   map[string]int   // partitions that messages go to, by topic
	absent map[string]bool  // topics of which the brokers say that they do not exist
	stuck  map[string]stuck // by the problem that waits for an operator
}

type topicPartition struct {
	topic     string
	partition int
}

// unrouted stands for all of a topic's partitions, while they are not known.
const unrouted = -1

// queue is what waits to be written to one partition. The publisher's mu guards
// its fields.
type queue struct {
	at      topicPartition
	notice  *notice.Notice
	waiting []*publication
	writing bool      // a writer is at work
	pending int       // publications that are not acknowledged, those of the write under way included
	began   time.Time // when the write under way began
	failing bool      // the last attempt failed
	absent  bool      // because the topic or its partition does not exist
}

// publication is a message on its way.
type publication struct {
	Message
	alternatives []Message
	d            *Delivery
	done         func(error)
	stuck        string // what an operator must change before it can be written; empty: nothing
}

// end tells the handler how it went. It is called once.
func (p *publisher) end(pub *publication, err error) {
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

// publish puts the message into its partition's queue, and starts a writer if
// none is at work.
func (p *publisher) publish(pub *publication) {
	q, err := p.route(pub)
	if err != nil {
		p.end(pub, err)
		return
	}
	p.mu.Lock()
	q.waiting = append(q.waiting, pub)
	q.pending++
	write := !q.writing
	q.writing = true
	p.mu.Unlock()
	if write {
		// It ends when its queue is empty or the generation is over, which waits for it.
		p.g.work.Go(p.g.c.cfg.Clock, func() { p.write(q) })
	}
}

// route finds the message's queue. It waits for as long as the topic's partitions
// are not known.
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

// partitionFor is the Log's, and takes note of a topic that does not exist.
func (p *publisher) partitionFor(ctx context.Context, topic string, key []byte) (int, error) {
	partition, err := p.g.c.cfg.Log.PartitionFor(ctx, topic, key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if errors.Is(err, ErrUnknownTopic) {
		p.absent[topic] = true
	} else if err == nil {
		delete(p.absent, topic)
	}
	return partition, err
}

// queue is made when it is first asked for, with a notice of its own: a partition
// that works must not speak for one that does not.
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

// write empties a queue, batch by batch.
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

// writeBatch sees to it that every publication of the batch ends. The broker
// refuses a whole batch for one message, or for the sum.
func (p *publisher) writeBatch(q *queue, batch []*publication) {
	whole := p.produce(q, batch)
	alone := refused(whole) && len(batch) > 1
	for i, pub := range batch {
		err := whole // each message's own: again reads it while the next is written
		if alone {
			err = p.produce(q, batch[i:i+1])
		}
		p.mu.Lock()
		q.pending--
		p.mu.Unlock()
		if refused(err) || errors.Is(err, errMoved) {
			p.g.work.Go(p.g.c.cfg.Clock, func() { p.again(pub, err) })
			continue
		}
		p.end(pub, err)
	}
}

// errMoved: the topic has other partitions than when a message was given its own.
var errMoved = errors.New("the topic's partitions have changed")

// produce writes until the write is acknowledged. It does not write while the
// partitions may be somebody else's: a member that slept must not contradict
// the answer of its successor.
func (p *publisher) produce(q *queue, batch []*publication) error {
	ctx, c, at := p.g.owned, p.g.c, q.at
	messages, records := make([]Message, len(batch)), make([]*Record, len(batch))
	for i, pub := range batch {
		messages[i], records[i] = pub.Message, &pub.d.Record
	}
	return c.retry(ctx, q.notice, "publishing to "+at.topic, func() error {
		if err := p.g.await(ctx, c.publishWithin(), always); err != nil {
			return err
		}
		first, err := c.cfg.Log.Produce(ctx, at.topic, at.partition, messages)
		p.setFailing(q, err)
		if err == nil {
			c.cfg.Follower.Published(at.topic, at.partition, first, records)
			return nil
		}
		if !errors.Is(err, context.Canceled) {
			c.stats.publishErrors.Add(1)
		}
		if errors.Is(err, ErrUnknownTopic) {
			// A topic that was created anew may have fewer partitions.
			if now, err := p.partitionFor(ctx, at.topic, messages[0].Key); err == nil && now != at.partition {
				return errMoved
			}
		}
		return fmt.Errorf("partition %d: %w", at.partition, err)
	}, ErrTooLarge, ErrInvalidRecord, errMoved)
}

func always() bool { return true }

func (p *publisher) setFailing(q *queue, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.failing, q.absent = err != nil && !refused(err), errors.Is(err, ErrUnknownTopic)
}

// problems tells what the publishing waits for, what an operator must mend, and which
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
