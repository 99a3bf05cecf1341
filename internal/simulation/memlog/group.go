package memlog

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"remux-retrier/consumer"
)

// heartbeatInterval is how often a member's heartbeat is sent.
const heartbeatInterval = time.Second

// group is the consumer group. Its rebalances are eager (KIP-429 describes the other kind):
// all members release everything before anything is assigned.
type group struct {
	id          int
	members     map[string]*Member
	rebalancing bool
	deadline    time.Time // of the rebalance
	committed   map[int]consumer.Position
}

// generation is one member's assignment. Broker.mu guards its fields.
type generation struct {
	m              *Member
	id             int
	assigned       []int
	ended          chan struct{}
	over           bool // ended is closed
	released       bool
	partitionCount int // at the assignment, if its member leads
	leads          bool
}

func (g *generation) ID() int                { return g.id }
func (g *generation) Assigned() []int        { return slices.Clone(g.assigned) }
func (g *generation) Leads() (int, bool)     { return g.partitionCount, g.leads }
func (g *generation) Ended() <-chan struct{} { return g.ended }

// Release joins the next generation at once, as kafka-go does.
func (g *generation) Release() {
	b := g.m.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.released {
		return
	}
	g.end()
	g.released = true
	if g.m.gen == g && !g.m.left && !b.readmit(g) {
		b.enter(g.m)
	}
}

// readmit gives a member its released generation back: the coordinator of a stable group
// does so if the member does not lead it and joins with the same user data. mu is held.
func (b *Broker) readmit(g *generation) bool {
	m := g.m
	if b.group.rebalancing || g.id != b.group.id || b.group.members[m.name] != m || b.members()[0] == m || m.newUserData {
		return false
	}
	m.gen = &generation{m: m, id: g.id, assigned: g.assigned, ended: make(chan struct{})}
	m.fresh, m.seen = true, b.cfg.Clock.Now()
	b.wake(nil)
	return true
}

// end closes ended. mu is held.
func (g *generation) end() {
	if !g.over {
		g.over = true
		close(g.ended)
	}
}

func (g *generation) Committed(ctx context.Context) (map[int]consumer.Position, error) {
	var committed map[int]consumer.Position
	err := g.m.do(ctx, Committed, func(b *Broker) error {
		committed = maps.Clone(b.group.committed)
		return nil
	})
	return committed, err
}

func (g *generation) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	err := g.m.do(ctx, Commit, func(b *Broker) error {
		if g.id != b.group.id || b.group.members[g.m.name] != g.m {
			g.end() // the member's next heartbeat would tell
			return consumer.ErrNotOwner
		}
		for p := range positions {
			if !slices.Contains(g.assigned, p) {
				return consumer.ErrNotOwner
			}
			if _, err := b.partition(b.cfg.Topic, p); err != nil {
				return err
			}
		}
		maps.Copy(b.group.committed, positions)
		g.m.seen = b.cfg.Clock.Now()
		return nil
	})
	if err != nil && !errors.Is(err, consumer.ErrNotOwner) && !errors.Is(err, consumer.ErrCommitRefused) {
		g.m.CommitUnanswered()
	}
	return err
}

// enter adds a member, which forces all members to rejoin. mu is held.
func (b *Broker) enter(m *Member) {
	b.group.members[m.name] = m
	m.joining, m.gen, m.newUserData = true, nil, false
	b.rebalance()
	b.complete(false)
	b.wake(nil)
}

// members returns the group's members, sorted by name. mu is held.
func (b *Broker) members() []*Member {
	names := slices.Sorted(maps.Keys(b.group.members))
	members := make([]*Member, len(names))
	for i, name := range names {
		members[i] = b.group.members[name]
	}
	return members
}

// rebalance starts one, unless one is in progress. mu is held.
func (b *Broker) rebalance() {
	if b.group.rebalancing {
		return
	}
	b.group.rebalancing = true
	b.group.deadline = b.cfg.Clock.Now().Add(b.cfg.RebalanceTimeout)
	for _, m := range b.members() {
		if m.gen != nil && !m.hung {
			m.gen.end()
		}
	}
}

// complete ends the rebalance once all members have joined, or at the deadline without the
// missing ones. mu is held.
func (b *Broker) complete(timeIsOver bool) {
	for _, m := range b.members() {
		if m.joining {
			continue
		}
		if !timeIsOver {
			return
		}
		delete(b.group.members, m.name)
	}
	b.group.rebalancing = false
	b.group.id++
	members := b.members()
	partitions := 0
	if t := b.topics[b.cfg.Topic]; t != nil {
		partitions = len(t.partitions)
	}
	for i, m := range members {
		m.joining, m.seen = false, b.cfg.Clock.Now()
		m.gen = &generation{m: m, id: b.group.id, ended: make(chan struct{})}
		if i == 0 {
			m.gen.partitionCount, m.gen.leads = partitions, true
		}
		m.fresh = true
		for p := i * partitions / len(members); p < (i+1)*partitions/len(members); p++ {
			m.gen.assigned = append(m.gen.assigned, p)
		}
	}
	b.wake(nil)
}

// timeOut applies timeouts. A member sends heartbeats by itself until its generation ends,
// and while it waits to join. mu is held.
func (b *Broker) timeOut(now time.Time) {
	if b.unreachable {
		return
	}
	expired := false
	for _, m := range b.members() {
		beats := m.joining || (m.gen != nil && !m.gen.over)
		if beats && !m.hung {
			m.seen = now
			if b.group.rebalancing && m.gen != nil {
				m.gen.end()
			}
		}
		if now.Sub(m.seen) >= b.cfg.SessionTimeout {
			delete(b.group.members, m.name)
			expired = true
		}
	}
	if expired {
		b.rebalance()
		b.complete(false)
	}
	if b.group.rebalancing && !now.Before(b.group.deadline) {
		b.complete(true)
	}
}

// SetUnreachable makes the brokers unreachable or reachable. The members' heartbeats fail,
// which ends their generations; their sessions start again when the brokers are reachable.
func (b *Broker) SetUnreachable(unreachable bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unreachable = unreachable
	for _, m := range b.members() {
		m.seen = b.cfg.Clock.Now()
		if m.gen != nil {
			m.gen.end()
		}
	}
	b.wake(nil)
}

// Rebalance makes all members join again, as when the coordinator moves.
func (b *Broker) Rebalance() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rebalance()
	b.wake(nil)
}

// Commit stores a position like an operator's tool, bypassing the group.
func (b *Broker) Commit(partition int, at consumer.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.group.committed[partition] = at
}

// Expire deletes the group's commits, as brokers do when a group was empty for long
// (offsets.retention.minutes).
func (b *Broker) Expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.group.committed)
}

// Position is what the group has committed for a partition.
func (b *Broker) Position(partition int) (consumer.Position, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.group.committed[partition]
	return at, ok
}
