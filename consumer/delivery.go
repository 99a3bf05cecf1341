package consumer

import (
	"context"
	"time"
)

// Delivery is one record together with what its handler may do with it. Its methods are
// safe for concurrent use. Publish or Done ends it.
type Delivery struct {
	Record
	p *partition
	e *entry

	unload        func() // see load
	firstObserved uint64
}

// Context ends when no new work may begin.
func (d *Delivery) Context() context.Context { return d.p.g.working }

// Owned ends when nothing of this generation may be published any more. It ends after
// Context, by up to the drain time.
func (d *Delivery) Owned() context.Context { return d.p.g.owned }

// GenerationStart is when this generation began.
func (d *Delivery) GenerationStart() time.Time { return d.p.g.since }

// InDoubt reports whether an earlier owner may have called for the event without leaving an
// answer.
func (d *Delivery) InDoubt() bool { return d.Offset < d.p.inDoubt }

// End returns the partition's end as far as known: every offset below it arrived before a
// call that starts now. logID identifies the partition's log, see CommitMetadata.LogID.
func (d *Delivery) End() (end, logID int64) { return max(d.p.end.Load(), d.Offset+1), d.p.logID }

// FirstObserved is the number of the event's first observation, see observations.
func (d *Delivery) FirstObserved() uint64 { return d.firstObserved }

// LastObservation is the latest number so far. Events with a number up to it arrived before
// a call that starts now, in any partition.
func (d *Delivery) LastObservation() uint64 { return d.p.g.c.lastObservation.Load() }

// CountBytesOnly says that the event waits for another event of its task. The look-ahead
// then counts its bytes but not the event, so that one task cannot fill it.
func (d *Delivery) CountBytesOnly() { d.p.tracker.countBytesOnly(d.e) }

// Go runs f, which works on the record, in a goroutine that the generation waits for. A
// panic in f is logged and counted, and the record stays unanswered.
func (d *Delivery) Go(f func()) {
	g := d.p.g
	g.work.Go(g.c.cfg.Clock, func() { d.Do(f) })
}

// Do runs f, which works on the record. A panic in f is logged and counted, and the record
// stays unanswered.
func (d *Delivery) Do(f func()) {
	defer d.recovered()
	f()
}

// recovered must be deferred. A panic must not end the process: it would happen again after
// each restart.
func (d *Delivery) recovered() {
	if cause := recover(); cause != nil {
		d.p.g.c.panicked(&d.Record, cause)
	}
}

// BeforeCall waits until a call may start: a stored commit covers the event, so that a next
// owner would know of the call, and the partition is ours beyond doubt. From then on, also
// if BeforeCall fails, the event counts as called until CallHadNoEffect.
func (d *Delivery) BeforeCall(ctx context.Context) error {
	g := d.p.g
	return g.awaitProof(ctx, g.c.callMaxAge(), func() bool {
		may, wanted := d.p.tracker.beginCall(d.e)
		if wanted && may { // otherwise awaitProof asks for it
			g.commits.Ring()
		}
		return may
	})
}

// MayCall reports whether the partition is still ours and work may begin right now. It is
// the last check before a call.
func (d *Delivery) MayCall() bool {
	return d.p.g.working.Err() == nil && d.p.g.fresh(d.p.g.c.callMaxAge())
}

// CallHadNoEffect says that no call for the event is in doubt: the result of each is known,
// and none had an effect.
func (d *Delivery) CallHadNoEffect() { d.p.tracker.callHadNoEffect(d.e) }

// Done counts the record as answered: it needs no message.
func (d *Delivery) Done() {
	d.p.tracker.resolve(d.e)
	d.unload()
}

// Publish appends a message and then counts the record as answered. done is called once:
// with nil when all in-sync replicas have the message, otherwise with the reason for giving
// up. It must not block. The alternatives are tried in turn if the topic rejects a message.
// Publishing continues as long as the generation lasts; Publish itself only waits to learn
// the message's partition.
func (d *Delivery) Publish(done func(error), m Message, alternatives ...Message) {
	d.p.g.publisher.publish(&publication{Message: m, alternatives: alternatives, d: d, done: done})
}

// Enqueue is Publish for a caller that may write the message itself, which saves waking a
// goroutine. If it returns a function, the caller must run it without delay, in a goroutine
// started by Go: it writes the message, and those that follow it to its partition, until none
// waits. If it returns nil, the message needs nothing more.
func (d *Delivery) Enqueue(done func(error), m Message) (write func()) {
	return d.p.g.publisher.enqueue(&publication{Message: m, d: d, done: done})
}

// Writable reports whether a message with this key would be written soon. It is false if
// writes to its partition fail, hang or have piled up.
func (d *Delivery) Writable(topic string, key []byte) bool {
	return d.p.g.publisher.writable(d.p.g.working, topic, key)
}
