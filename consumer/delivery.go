package consumer

import (
	"context"
	"time"
)

// Delivery is a record with what its handler may do about it. Its methods are
// safe for concurrent use, Publish and Done end it.
type Delivery struct {
	Record
	p *partition
	e *entry

	unload func() // see load
	seen   uint64
}

// Context ends when no new work may begin.
func (d *Delivery) Context() context.Context { return d.p.g.working }

// Owned ends when nothing of this generation may be published any more. It
// outlasts Context by the drain.
func (d *Delivery) Owned() context.Context { return d.p.g.owned }

// Since is when this generation began.
func (d *Delivery) Since() time.Time { return d.p.g.since }

// InDoubt tells whether an owner before this generation may have called for the
// event, and left no answer.
func (d *Delivery) InDoubt() bool { return d.Offset < d.p.inDoubt }

// End tells the first offset that the event's partition did not have yet, as far
// as is known: what stands below it came before a call that is made now. log
// names the partition's log, see Mark.Log.
func (d *Delivery) End() (end, log int64) { return max(d.p.end.Load(), d.Offset+1), d.p.name }

// Seen is the number at which the event was first seen to stand in its log, see
// sightings.
func (d *Delivery) Seen() uint64 { return d.seen }

// Sighted is the last number so far: what was seen at one up to it came before a
// call that is made now, in whichever partition.
func (d *Delivery) Sighted() uint64 { return d.p.g.c.sighted.Load() }

// SharePlace says that the event waits behind another one of its task: it counts
// in the look-ahead by its bytes alone, so that one task cannot fill it.
func (d *Delivery) SharePlace() { d.p.tracker.sharePlace(d.e) }

// Go runs f, which works on the record, in a goroutine that the generation waits
// for. If f panics, the panic is logged and counted, and the record is held.
func (d *Delivery) Go(f func()) {
	g := d.p.g
	g.work.Go(g.c.cfg.Clock, func() { d.Do(f) })
}

// Do runs f, which works on the record. If f panics, the panic is logged and
// counted, and the record is held.
func (d *Delivery) Do(f func()) {
	defer d.recovered()
	f()
}

// recovered is deferred. A panic must not end the process: it would come again
// after each restart.
func (d *Delivery) recovered() {
	if cause := recover(); cause != nil {
		d.p.g.c.panicked(&d.Record, cause)
	}
}

// BeforeCall waits until a call may begin: the commit's metadata covers the
// event, so that a next owner would know of the call, and the partition is ours
// beyond doubt. From then on the event counts as called, until Settled, also
// where BeforeCall fails: only the handler knows of calls before.
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

// MayCall tells whether the partition is still ours, and work may begin, at
// this moment: the last look before a call.
func (d *Delivery) MayCall() bool {
	return d.p.g.working.Err() == nil && d.p.g.fresh(d.p.g.c.callWithin())
}

// Settled says that no call for the event is in doubt: what its calls did is
// known, and it was nothing.
func (d *Delivery) Settled() { d.p.tracker.settle(d.e) }

// Done says that the record needs no answer.
func (d *Delivery) Done() {
	d.p.tracker.resolve(d.e)
	d.unload()
}

// Publish appends a message, and then counts the record as answered. done is
// called once, with nil when all in-sync replicas have the message, or with why
// it was given up; it must not wait. The alternatives are tried in turn where a
// message is larger than its topic takes. Publish goes on for as long as the
// generation lasts; it waits only to learn the message's partition.
func (d *Delivery) Publish(done func(error), m Message, alternatives ...Message) {
	d.p.g.publisher.publish(&publication{Message: m, alternatives: alternatives, d: d, done: done})
}

// Writable tells whether a message with this key would be written soon: false
// where its partition's writes fail, do not end, or have piled up.
func (d *Delivery) Writable(topic string, key []byte) bool {
	return d.p.g.publisher.writable(d.p.g.working, topic, key)
}
