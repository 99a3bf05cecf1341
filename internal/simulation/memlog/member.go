package memlog

import (
	"context"
	"errors"
	"time"

	"remux-retrier/consumer"
)

// Operation is an operation of consumer.Client or consumer.Generation.
type Operation string

// The operations that a Fault can affect.
const (
	Join         Operation = "join"
	Leave        Operation = "leave"
	Fetch        Operation = "fetch"
	Bounds       Operation = "bounds"
	Ends         Operation = "ends"
	Span         Operation = "span"
	Produce      Operation = "produce"
	PartitionFor Operation = "partition for"
	Partitions   Operation = "partitions"
	Committed    Operation = "committed"
	Commit       Operation = "commit"
)

// Fault decides what happens to an operation: how long it takes before its effect, whether
// it fails before that, and whether its answer is lost afterwards.
type Fault func(op Operation) (takes time.Duration, before, after error)

// Member is one member of the group: a consumer.Client. Broker.mu guards its fields.
type Member struct {
	b    *Broker
	name string

	fault       Fault
	faultOf     map[topicPartition]Fault // of writing to a partition
	hung        bool
	left        bool
	joining     bool
	gen         *generation // its last assignment; nil while it joins
	fresh       bool        // gen was not returned by Join yet
	seen        time.Time   // its last heartbeat or commit
	newUserData bool        // its user data for the next join differs from the last time
}

var _ consumer.Client = (*Member)(nil)

type topicPartition struct {
	topic     string
	partition int
}

// SetFaultOf sets the fault of the member's writes to a partition; nil: none.
func (m *Member) SetFaultOf(topic string, partition int, f Fault) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.faultOf[topicPartition{topic, partition}] = f
}

// Member creates a member of the group. Its name decides its order when partitions are
// assigned; another member of that name is replaced.
func (b *Broker) Member(name string) *Member {
	return &Member{b: b, name: name, faultOf: map[topicPartition]Fault{}}
}

// CommitUnanswered says that a commit of this member may still be in flight. Its next join
// then starts a new generation, as with kafkalog.
func (m *Member) CommitUnanswered() {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.newUserData = true
}

// SetFault sets the fault of operations from now on; nil: none.
func (m *Member) SetFault(f Fault) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.fault = f
}

// SetHung cuts the member off without its knowledge, or ends that: its operations do not
// return, its heartbeats do not arrive, and it is not told of a rebalance.
func (m *Member) SetHung(hung bool) {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	m.hung = hung
	m.b.wake(nil)
}

// do performs an operation with its fault.
func (m *Member) do(ctx context.Context, op Operation, effect func(b *Broker) error) error {
	b := m.b
	b.mu.Lock()
	f := m.fault
	b.mu.Unlock()
	return m.doWith(ctx, f, op, effect)
}

func (m *Member) doWith(ctx context.Context, f Fault, op Operation, effect func(b *Broker) error) error {
	b := m.b
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
	err := m.reach(ctx)
	defer b.mu.Unlock()
	if err != nil {
		return err
	}
	if err := effect(b); err != nil {
		return err
	}
	return after
}

// reach waits while the member is cut off. It returns with mu held, whether or not the
// brokers are reachable.
func (m *Member) reach(ctx context.Context) error {
	b := m.b
	b.mu.Lock()
	for m.hung && ctx.Err() == nil {
		w := b.listen(ctx, nil)
		b.mu.Unlock()
		b.wait(w, time.Hour)
		b.mu.Lock()
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case b.unreachable:
		return ErrUnreachable
	}
	return nil
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
	for {
		gen, w, err := m.handOut(ctx)
		if gen != nil || err != nil {
			return gen, err
		}
		m.b.wait(w, time.Hour)
	}
}

// handOut returns the member's assigned generation, once, or what to wait for.
func (m *Member) handOut(ctx context.Context) (consumer.Generation, *waiter, error) {
	b := m.b
	err := m.reach(ctx)
	defer b.mu.Unlock()
	switch {
	case err != nil:
		return nil, nil, err
	case b.group.members[m.name] != m:
		return nil, nil, consumer.ErrNotOwner
	case m.gen != nil && m.fresh:
		m.fresh = false
		if m.gen.leads && m.gen.partitionCount == 0 {
			// The topic may exist again before anyone notices.
			m.gen.end()
			m.gen.released = true
			b.enter(m)
			return nil, nil, consumer.ErrUnknownTopic
		}
		return m.gen, nil, nil
	}
	return nil, b.listen(ctx, nil), nil
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
