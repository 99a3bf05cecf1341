package memlog

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"time"

	"remux-retrier/consumer"
)

// Operation names one of consumer.Log's, or consumer.Generation's.
type Operation string

// The operations that a Fault may meet.
const (
	Join         Operation = "join"
	Leave        Operation = "leave"
	Fetch        Operation = "fetch"
	Bounds       Operation = "bounds"
	Produce      Operation = "produce"
	PartitionFor Operation = "partition for"
	Partitions   Operation = "partitions"
	Committed    Operation = "committed"
	Commit       Operation = "commit"
)

// Fault decides what happens to an operation: how long it takes before it has an
// effect, whether it fails before that, and whether its answer is lost after it.
type Fault func(op Operation) (takes time.Duration, before, after error)

// fetchWait is how long a fetch waits for records.
const fetchWait = 500 * time.Millisecond

// Member is one member of the group: a consumer.Log. Broker.mu guards its fields.
type Member struct {
	b    *Broker
	name string

	fault   Fault
	hung    bool
	left    bool
	joining bool
	gen     *generation // what it was assigned last, nil while it joins
	fresh   bool        // gen was not handed out by Join yet
	seen    time.Time   // its last sign of life
}

var _ consumer.Log = (*Member)(nil)

// Member makes a member of the group. Its name decides its place among the others
// when partitions are assigned; another member of that name is replaced.
func (b *Broker) Member(name string) *Member {
	return &Member{b: b, name: name}
}

// SetFault sets what happens to operations from now on; nil: nothing unusual.
func (m *Member) SetFault(f Fault) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.fault = f
}

// SetHung cuts the member off without its noticing, or ends that: its operations
// do not return, its heartbeats do not arrive, and it is not told of a rebalance.
func (m *Member) SetHung(hung bool) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.hung = hung
	m.b.changed()
}

// do performs an operation, with its fault.
func (m *Member) do(ctx context.Context, op Operation, effect func(b *Broker) error) error {
	b := m.b
	b.mu.Lock()
	f := m.fault
	b.mu.Unlock()
	var takes time.Duration
	var before, after error
	if f != nil {
		takes, before, after = f(op)
	}
	if err := b.cfg.Clock.Sleep(ctx, takes); err != nil {
		return err
	}
	if before != nil {
		return before
	}
	b.mu.Lock()
	for m.hung && ctx.Err() == nil {
		b.mu.Unlock()
		b.wait(ctx, time.Hour)
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case b.away:
		return ErrAway
	}
	if err := effect(b); err != nil {
		return err
	}
	return after
}

// Join waits for the next generation.
func (m *Member) Join(ctx context.Context) (consumer.Generation, error) {
	err := m.do(ctx, Join, func(b *Broker) error {
		if m.left {
			return errors.New("this member has left its group")
		}
		if b.group.members[m.name] != m || (m.gen != nil && m.gen.released) {
			b.enter(m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b := m.b
	for ctx.Err() == nil {
		b.mu.Lock()
		gen, fresh, lost := m.gen, m.fresh, b.group.members[m.name] != m
		m.fresh = false
		b.mu.Unlock()
		if lost {
			return nil, consumer.ErrNotOwner
		}
		if gen != nil && fresh {
			return gen, nil
		}
		b.wait(ctx, time.Hour)
	}
	return nil, context.Cause(ctx)
}

// Leave ends the membership.
func (m *Member) Leave(ctx context.Context) error {
	b := m.b
	b.mu.Lock()
	m.left, m.joining = true, false
	if m.gen != nil {
		m.gen.end()
		m.gen.released = true
	}
	b.mu.Unlock()
	return m.do(ctx, Leave, func(b *Broker) error {
		if b.group.members[m.name] != m {
			return nil
		}
		delete(b.group.members, m.name)
		b.rebalance()
		b.complete(false)
		return nil
	})
}

// Fetch reads a page.
func (m *Member) Fetch(ctx context.Context, topic string, id int, offset int64, maxBytes int) (page consumer.Page, err error) {
	read := func(b *Broker) error {
		p, err := b.partition(topic, id)
		if err != nil {
			return err
		}
		page, err = p.read(offset, maxBytes)
		return err
	}
	if err = m.do(ctx, Fetch, read); err != nil || page.Next > offset {
		return page, err
	}
	deadline := m.b.cfg.Clock.Now().Add(fetchWait)
	for left := fetchWait; left > 0 && page.Next == offset && err == nil && ctx.Err() == nil; left = deadline.Sub(m.b.cfg.Clock.Now()) {
		m.b.wait(ctx, left)
		m.b.mu.Lock()
		err = read(m.b)
		m.b.mu.Unlock()
	}
	return page, err
}

func (p *partition) read(offset int64, maxBytes int) (consumer.Page, error) {
	if offset < p.first || offset > p.next {
		return consumer.Page{}, consumer.ErrOffsetOutOfRange
	}
	page := consumer.Page{Next: p.next, End: p.next}
	from, _ := slices.BinarySearchFunc(p.records, offset, func(r consumer.Record, at int64) int { return cmp.Compare(r.Offset, at) })
	for _, r := range p.records[from:] {
		maxBytes -= len(r.Key) + len(r.Value)
		if maxBytes < 0 && len(page.Records) > 0 {
			page.Next = r.Offset
			break
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}

// Bounds gives a partition's first offset and its next.
func (m *Member) Bounds(ctx context.Context, topic string, id int) (first, next int64, err error) {
	err = m.do(ctx, Bounds, func(b *Broker) error {
		p, err := b.partition(topic, id)
		if err == nil {
			first, next = p.first, p.next
		}
		return err
	})
	return first, next, err
}

// Produce appends a batch.
func (m *Member) Produce(ctx context.Context, topic string, id int, messages []consumer.Message) error {
	return m.do(ctx, Produce, func(b *Broker) error {
		if _, err := b.partition(topic, id); err != nil {
			return err
		}
		size := 0
		for _, message := range messages {
			size += len(message.Key) + len(message.Value)
		}
		if limit := b.topics[topic].maxBytes; limit > 0 && size > limit {
			return consumer.ErrTooLarge
		}
		b.append(topic, id, messages)
		return nil
	})
}

// PartitionFor spreads keys over the partitions. It is stable, and not murmur2:
// nobody reads these topics but the test.
func (m *Member) PartitionFor(ctx context.Context, topic string, key []byte) (id int, err error) {
	err = m.do(ctx, PartitionFor, func(b *Broker) error {
		t := b.topics[topic]
		if t == nil {
			return consumer.ErrUnknownTopic
		}
		h := fnv.New32a()
		_, _ = h.Write(key)
		id = int(h.Sum32() % uint32(len(t.partitions)))
		return nil
	})
	return id, err
}

// Partitions counts a topic's partitions.
func (m *Member) Partitions(ctx context.Context, topic string) (n int, err error) {
	err = m.do(ctx, Partitions, func(b *Broker) error {
		t := b.topics[topic]
		if t == nil {
			return consumer.ErrUnknownTopic
		}
		n = len(t.partitions)
		return nil
	})
	return n, err
}
