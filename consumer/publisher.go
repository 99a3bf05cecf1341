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

// refusedRetry is how often a message that its topic refuses is tried again: an
// operator may have changed the setting.
const refusedRetry = 10 * time.Second

// publisher appends the messages of one generation. There is no linger: a
// message is written at once, and what comes while a write to its partition is
// under way goes with the next.
type publisher struct {
	g *generation

	mu      sync.Mutex
	lanes   map[lane]*queue
	notices map[lane]*notice.Notice
	stuck   map[string]int // problems that wait for an operator, and how many wait
}

type lane struct {
	topic     string
	partition int
}

type queue struct {
	waiting []*publication
	writing bool
}

type publication struct {
	Message
	err  error         // may be read when done is closed
	done chan struct{} // closed when it is acknowledged, or never will be
}

// end tells the publication's handler how it went.
func (p *publication) end(err error) {
	p.err = err
	close(p.done)
}

func newPublisher(g *generation) *publisher {
	return &publisher{g: g, lanes: map[lane]*queue{}, notices: map[lane]*notice.Notice{}, stuck: map[string]int{}}
}

// publish appends the first of the alternatives that the topic takes. If it
// takes none, an operator must act, and it is tried again now and then.
func (p *publisher) publish(alternatives []Message) error {
	stuck := ""
	for {
		var err error
		for _, m := range alternatives {
			if err = p.append(m); !refused(err) {
				p.setStuck(&stuck, "")
				return err
			}
		}
		m := alternatives[len(alternatives)-1]
		p.setStuck(&stuck, fmt.Sprintf("topic %s refuses a message of %d bytes, whose record cannot be committed until it takes it: %v", m.Topic, len(m.Key)+len(m.Value), err))
		if err := p.g.c.cfg.Clock.Sleep(p.g.working, refusedRetry); err != nil {
			p.setStuck(&stuck, "")
			return err
		}
	}
}

// refused: the topic's settings do not allow the message. It would hold up its
// batch, and all that come behind it.
func refused(err error) bool {
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidRecord)
}

// errMoved: the topic has other partitions than when a message was given its own.
var errMoved = errors.New("the topic's partitions have changed")

// append hands a message to its lane and waits for the acknowledgement.
func (p *publisher) append(m Message) error {
	for {
		if err := p.appendTo(m); !errors.Is(err, errMoved) {
			return err
		}
	}
}

func (p *publisher) appendTo(m Message) error {
	ctx, c := p.g.owned, p.g.c
	var partition int
	err := c.persist(ctx, p.notice(lane{m.Topic, -1}), "publishing to "+m.Topic, func() (err error) {
		partition, err = c.cfg.Log.PartitionFor(ctx, m.Topic, m.Key)
		return err
	})
	if err != nil {
		return err
	}
	pub := &publication{Message: m, done: make(chan struct{})}
	at := lane{m.Topic, partition}
	p.mu.Lock()
	q := p.lanes[at]
	if q == nil {
		q = &queue{}
		p.lanes[at] = q
	}
	q.waiting = append(q.waiting, pub)
	write := !q.writing
	q.writing = true
	p.mu.Unlock()
	if write {
		// The writer ends when its queue is empty or the generation is lost. All
		// that wait for it are handlers, and the generation waits for both.
		p.g.handlers.Go(c.cfg.Clock, func() { p.write(at, q) })
	}
	_ = c.cfg.Clock.Wait(context.Background(), pub.done) // the writer ends it in any case
	return pub.err
}

// write empties a lane's queue, batch by batch.
func (p *publisher) write(at lane, q *queue) {
	for {
		p.mu.Lock()
		batch := q.next()
		q.writing = len(batch) > 0
		p.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		p.writeBatch(at, batch)
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
	return batch
}

func (p *publisher) writeBatch(at lane, batch []*publication) {
	messages := make([]Message, len(batch))
	for i, pub := range batch {
		messages[i] = pub.Message
	}
	err := p.produce(at, messages)
	if refused(err) && len(batch) > 1 {
		// The broker refuses the whole batch for one message, or for the sum.
		for _, pub := range batch {
			pub.end(p.produce(at, []Message{pub.Message}))
		}
		return
	}
	for _, pub := range batch {
		pub.end(err)
	}
}

// produce writes until the write is acknowledged. It does not write while the
// partitions may be somebody else's: a member that slept must not contradict
// the answer of its successor.
func (p *publisher) produce(at lane, messages []Message) error {
	ctx, c := p.g.owned, p.g.c
	doing := fmt.Sprintf("publishing to %s/%d", at.topic, at.partition)
	return c.persist(ctx, p.notice(at), doing, func() error {
		if err := p.g.await(ctx, c.publishWithin(), func() bool { return true }); err != nil {
			return err
		}
		_, err := c.cfg.Log.Produce(ctx, at.topic, at.partition, messages)
		if err != nil && !errors.Is(err, context.Canceled) {
			c.stats.publishErrors.Add(1)
		}
		if errors.Is(err, ErrUnknownTopic) {
			// A topic that was created anew may have fewer partitions.
			if now, err := c.cfg.Log.PartitionFor(ctx, at.topic, messages[0].Key); err == nil && now != at.partition {
				return errMoved
			}
		}
		return err
	}, ErrTooLarge, ErrInvalidRecord, errMoved)
}

// notice is a lane's own, lest one that works speak for one that does not.
func (p *publisher) notice(at lane) *notice.Notice {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.notices[at]
	if n == nil {
		n = notice.New(p.g.log)
		p.notices[at] = n
	}
	return n
}

// problems tells what the publishing waits for, and what an operator must mend.
func (p *publisher) problems() (waits, stuck []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.notices {
		if text := n.Text(); text != "" {
			waits = append(waits, text)
		}
	}
	return slices.Sorted(slices.Values(waits)), slices.Sorted(maps.Keys(p.stuck))
}

// setStuck replaces what a message was stuck for; empty: it is not, any more.
func (p *publisher) setStuck(now *string, problem string) {
	if *now == problem {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck[*now]--; p.stuck[*now] <= 0 {
		delete(p.stuck, *now)
	}
	if problem != "" {
		p.stuck[problem]++
		p.g.log.Error(problem)
	}
	*now = problem
}
