package simulation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/app"
	"remux-retrier/internal/simulation/memlog"
)

// networkFaults is what happens between instances and brokers.
type networkFaults struct {
	refused float64 // share of requests that fail before they arrive
	lost    float64 // share of lost answers
	slow    time.Duration
}

var errReset = errors.New("connection reset by peer")

// network is an instance's connection to the brokers. If the instance is dead, nothing
// passes.
type network struct {
	*memlog.Member
	i *instance
}

var _ app.Client = (*network)(nil)

// request simulates a request: it takes a while, does not arrive, or its answer is lost. A
// write may arrive after its sender has given up.
func (n *network) request(ctx context.Context, writes bool, arrive func(ctx context.Context) error) error {
	n.i.proc.mustLive()
	w := n.i.w
	faults := w.network
	if chance(w.rand, faults.refused) {
		if err := n.i.clock.Sleep(ctx, between(w.rand, 0, 50*time.Millisecond)); err != nil {
			return err
		}
		return errReset
	}
	lost := chance(w.rand, faults.lost)
	arriving := arrive
	arrive = func(ctx context.Context) error { return n.stalled(ctx, arriving) }
	var err error
	switch {
	case !writes:
		err = arrive(ctx)
	case faults.slow == 0:
		// What a process has sent arrives, even if the process is stopped meanwhile.
		err = arrive(ctx)
		if err := n.i.clock.Sleep(ctx, between(w.rand, 0, 8*time.Millisecond)); err != nil {
			return err
		}
	default:
		var gaveUp error
		if err, gaveUp = n.underWay(ctx, arrive); gaveUp != nil {
			return gaveUp
		}
	}
	if err == nil && lost {
		return errReset
	}
	return err
}

// underWay is a slow write: it continues even if its sender gives up.
func (n *network) underWay(ctx context.Context, arrive func(ctx context.Context) error) (err, gaveUp error) {
	w := n.i.w
	done := make(chan struct{})
	takes := between(w.rand, 0, w.network.slow)
	w.writes++
	w.out.spawn(func() {
		defer func() { w.writes-- }()
		_ = processClock{p: w.out}.Sleep(background, takes) // background does not end
		err = arrive(n.i.life)
		close(done)
	})
	gaveUp = n.i.clock.Wait(ctx, done)
	return err, gaveUp
}

func (n *network) Join(ctx context.Context) (consumer.Generation, error) {
	n.i.proc.mustLive()
	n.i.joins()
	gen, err := n.Member.Join(ctx)
	if err != nil {
		return nil, err
	}
	n.i.began(gen)
	return &generation{Generation: gen, n: n}, nil
}

func (n *network) Leave(ctx context.Context) error {
	n.i.proc.mustLive()
	return n.Member.Leave(ctx)
}

func (n *network) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (page consumer.Page, err error) {
	if topic == topicFailed {
		n.i.checkRead(partition, offset)
	}
	err = n.request(ctx, false, func(ctx context.Context) (err error) {
		page, err = n.Member.Fetch(ctx, topic, partition, offset, maxBytes)
		return err
	})
	if err == nil && topic == topicFailed {
		n.i.ends[partition] = page.End
	}
	return page, err
}

func (n *network) Bounds(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	err = n.request(ctx, false, func(ctx context.Context) (err error) {
		first, next, err = n.Member.Bounds(ctx, topic, partition)
		return err
	})
	if err == nil && topic == topicFailed {
		n.i.ends[partition] = next
	}
	return first, next, err
}

func (n *network) Ends(ctx context.Context, topic string, partitions []int) (ends []int64, err error) {
	err = n.request(ctx, false, func(ctx context.Context) (err error) {
		ends, err = n.Member.Ends(ctx, topic, partitions)
		return err
	})
	if err != nil {
		return slices.Repeat([]int64{-1}, len(partitions)), err
	}
	for i, p := range partitions {
		if topic == topicFailed {
			n.i.ends[p] = ends[i]
		}
	}
	return ends, nil
}

func (n *network) Span(ctx context.Context, topic string, partitions int, since time.Time) (spans []consumer.Interval, err error) {
	err = n.request(ctx, false, func(ctx context.Context) (err error) {
		spans, err = n.Member.Span(ctx, topic, partitions, since)
		return err
	})
	return spans, err
}

// Produce stamps the records with the sender's clock, as Kafka's clients do.
func (n *network) Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (first int64, err error) {
	stamp, attempt := n.i.clock.Now(), &attempt{sent: n.i.w.seq(), since: n.i.since}
	n.i.checkProof(n.i.w.publishMaxAge(), "3: only the owner publishes", "writes to "+topic)
	messages, to := slices.Clone(messages), outcomePartition{topic, partition}
	n.i.w.noteDue(messages)
	err = n.request(ctx, true, func(ctx context.Context) error {
		switch {
		case n.i.w.unreachable:
			return memlog.ErrUnreachable
		case to != noPartition && to == n.i.w.unwritable:
			return errLeaderless
		}
		first = n.i.w.broker.AppendAt(topic, partition, stamp, messages...)
		for _, m := range messages {
			n.i.published(m, attempt)
		}
		return nil
	})
	if err == nil && !n.i.proc.dead {
		n.i.acknowledged(attempt)
	}
	if attempt.since == n.i.since {
		n.i.noteWrite(to, err)
	}
	return first, err
}

func (n *network) PartitionFor(ctx context.Context, topic string, key []byte) (int, error) {
	n.i.proc.mustLive()
	return n.Member.PartitionFor(ctx, topic, key)
}

func (n *network) Partitions(ctx context.Context, topic string) (partitions int, err error) {
	err = n.request(ctx, false, func(ctx context.Context) (err error) {
		partitions, err = n.Member.Partitions(ctx, topic)
		return err
	})
	if topic == topicFailed && err == nil {
		n.i.counted = partitions
	}
	return partitions, err
}

// generation is a generation of the instance.
type generation struct {
	consumer.Generation
	n        *network
	released bool
}

func (g *generation) Committed(ctx context.Context) (at map[int]consumer.Position, err error) {
	err = g.n.request(ctx, false, func(ctx context.Context) (err error) {
		at, err = g.Generation.Committed(ctx)
		return err
	})
	// The in-memory broker still has positions that have expired.
	maps.DeleteFunc(at, func(p int, at consumer.Position) bool {
		expired, ok := g.n.i.w.expired[p]
		return ok && expired == at
	})
	if err == nil {
		g.n.i.found = at
	}
	return at, err
}

func (g *generation) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	sent, since := g.n.i.w.s.now, g.n.i.since
	if g.n.i.w.unknownTopicOnce && !g.n.i.w.log.deleted {
		g.n.i.w.unknownTopicOnce = false
		g.n.i.w.doubts = true // it may be the last commit of a drain
		g.n.i.tell("gets unknown topic for a commit")
		return consumer.ErrUnknownTopic
	}
	if chance(g.n.i.w.rand, g.n.i.w.network.refused) {
		return consumer.ErrCommitRefused // as while the coordinator moves
	}
	err := g.n.request(ctx, true, func(ctx context.Context) error {
		if err := g.Generation.Commit(ctx, positions); err != nil {
			return err
		}
		g.n.i.committed(positions)
		return nil
	})
	switch {
	case err == nil:
		g.n.i.proven(sent, since)
	case errors.Is(err, consumer.ErrUnknownTopic):
	case !errors.Is(err, consumer.ErrNotOwner) && !errors.Is(err, consumer.ErrCommitRefused):
		g.n.CommitUnanswered()
	}
	return err
}

func (g *generation) Release() {
	g.n.i.proc.mustLive()
	g.checkRelease()
	g.released = true
	g.Generation.Release()
}
