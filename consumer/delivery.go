package consumer

import (
	"context"
	"time"
)

// Delivery is a record with what its handler may do about it.
type Delivery struct {
	Record
	p *partition
	e *entry
}

// Doubtful is where doubt ends in the event's partition: for an event below it an
// owner before this generation may have called, and left no answer.
func (d *Delivery) Doubtful() int64 { return d.p.doubtful }

// Since is when this generation began.
func (d *Delivery) Since() time.Time { return d.p.g.since }

// BeforeCall waits until a call may begin: the commit's mark covers the event,
// so that a next owner would know of the call, and the partition is ours beyond
// doubt. From then on the event counts as called, until Settled, also where
// BeforeCall fails: only the handler knows of calls before.
func (d *Delivery) BeforeCall(ctx context.Context) error {
	g := d.p.g
	return g.await(ctx, g.c.callWithin(), func() bool {
		may, wanted := d.p.tracker.begin(d.e)
		if wanted && may { // otherwise await asks for it
			g.commits.Ring()
		}
		return may
	})
}

// Owned ends when nothing of this generation may be published any more. It
// outlasts the handler's context by the drain.
func (d *Delivery) Owned() context.Context { return d.p.g.owned }

// Ends tells of partitions, as far as is known, the first offset that they did
// not have yet: what stands below it came before a call that is made now. It
// tells of the event's own partition, and of each other one of this generation
// in which events may be unanswered.
func (d *Delivery) Ends() map[int]int64 {
	ends := map[int]int64{d.p.id: max(d.p.end.Load(), d.Offset+1)}
	for _, p := range d.p.g.parts {
		if end := p.end.Load(); p != d.p && p.opened.Load() && p.tracker.unanswered(end) {
			ends[p.id] = end
		}
	}
	return ends
}

// Log names the log of a partition that Ends has told of, see Mark.Log.
func (d *Delivery) Log(partition int) int64 {
	for _, p := range d.p.g.parts {
		if p.id == partition && p.opened.Load() {
			return p.name
		}
	}
	return 0
}

// MayCall tells whether the partition is still ours, and work may begin, at
// this moment: the last look before a call.
func (d *Delivery) MayCall() bool {
	return d.p.g.working.Err() == nil && d.p.g.fresh(d.p.g.c.callWithin())
}

// Settled says that no call for the event is in doubt: what its calls did is
// known, and it was nothing.
func (d *Delivery) Settled() { d.p.tracker.settle(d.e) }

// Publish appends a message and returns nil when all in-sync replicas have it.
// It goes on for as long as the generation lasts; the alternatives are tried in
// turn where a message is larger than its topic takes.
func (d *Delivery) Publish(m Message, alternatives ...Message) error {
	return d.p.g.publisher.publish(append([]Message{m}, alternatives...))
}
