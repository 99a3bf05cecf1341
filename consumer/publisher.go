package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
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
	used   map[string]int // partitions that messages go to, by topic
	stuck  map[string]int // problems that wait for an operator, and how many messages wait
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
	p.setStuck(pub, "", err == nil)
	if err == nil {
		pub.d.Done()
	}
	pub.d.unload()
	pub.done(err)
}

func newPublisher(g *generation) *publisher {
	return &publisher{g: g, queues: map[topicPartition]*queue{}, used: map[string]int{}, stuck: map[string]int{}}
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
	ctx, log := p.g.owned, p.g.c.cfg.Log
	partition, err := log.PartitionFor(ctx, pub.Topic, pub.Key)
	if err != nil {
		n := p.queue(topicPartition{pub.Topic, unrouted}).notice
		err = p.g.c.retry(ctx, n, "publishing to "+pub.Topic, func() (err error) {
			partition, err = log.PartitionFor(ctx, pub.Topic, pub.Key)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return p.queue(topicPartition{pub.Topic, partition}), nil
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
		p.setFailing(q, err != nil && !refused(err))
		if err == nil {
			c.cfg.Follower.Published(at.topic, at.partition, first, records)
			return nil
		}
		if !errors.Is(err, context.Canceled) {
			c.stats.publishErrors.Add(1)
		}
		if errors.Is(err, ErrUnknownTopic) {
			// A topic that was created anew may have fewer partitions.
			if now, err := c.cfg.Log.PartitionFor(ctx, at.topic, messages[0].Key); err == nil && now != at.partition {
				return errMoved
			}
		}
		return fmt.Errorf("partition %d: %w", at.partition, err)
	}, ErrTooLarge, ErrInvalidRecord, errMoved)
}

func always() bool { return true }

func (p *publisher) setFailing(q *queue, failing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.failing = failing
}

const (
	// usualWrite is how long a write takes at most, as a rule.
	usualWrite = 25 * time.Millisecond
	// slowWrite is the age of a write from which on its partition counts as one that
	// cannot be written to now.
	slowWrite = time.Second
	// fewest is how many unacknowledged messages any partition may have, but no more
	// than half of what may be called.
	fewest = 8
)

// writable tells whether a message would be written soon. Of what may be called and
// not yet acknowledged, a partition whose write takes longer than usual may hold its
// part, and at least a few: one that hangs must not hold all of it before that is
// noticed. Until then it may hold half, for the messages of a busy topic come in
// bursts.
func (p *publisher) writable(ctx context.Context, topic string, key []byte) bool {
	partition, err := p.g.c.cfg.Log.PartitionFor(ctx, topic, key)
	if err != nil {
		return false
	}
	q := p.queue(topicPartition{topic, partition})
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.pending == 0 {
		return true
	}
	of, age := p.used[topic], p.g.c.cfg.Clock.Now().Sub(q.began)
	half := p.g.c.cfg.MaxInFlight
	most := max(min(fewest, half), 2*half/of)
	switch {
	case of == 1:
		most = math.MaxInt
	case age < usualWrite:
		most = max(most, half)
	}
	return !q.failing && age < slowWrite && q.pending < most
}

// problems tells what the publishing waits for, and what an operator must mend.
func (p *publisher) problems() (waits, stuck []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.queues {
		if text := q.notice.Text(); text != "" {
			waits = append(waits, text)
		}
	}
	return slices.Sorted(slices.Values(waits)), slices.Sorted(maps.Keys(p.stuck))
}
