package simulation

import (
	"errors"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// model is what has happened, seen with complete knowledge. It is deliberately naive:
// lists, and loops over them.
type model struct {
	violation    *Violation
	lastSeq      int             // numbers everything that happens, in order
	requests     []time.Duration // when each request to MPC was sent
	log          *failedLog      // the current failed topic
	bySource     map[sourceKey]*event
	called       int               // calls so far
	doubts       bool              // a call may have been left in doubt
	writes       int               // in flight independently of their senders
	owners       map[int]*instance // whose generation with the partition began last
	owned        map[int]*ownership
	expiredAt    int                       // the seq when the group's positions expired
	logIDChanged int                       // the seq after which a partition may have another log id
	expired      map[int]consumer.Position // the expired ones
}

// seq returns the sequence number of what happens next, which is higher than all before.
func (m *model) seq() int { m.lastSeq++; return m.lastSeq }

// sourceKey is the event's position in an outcome's id.
type sourceKey struct {
	partition      int
	offset, millis int64
}

// failedLog is the failed topic from its creation to its deletion.
type failedLog struct {
	first      bool       // it was never recreated
	partitions [][]*event // by offset; nil: no record
	verified   []int64    // everything below was found to be answered
	last       []commit   // the current commit
	deleted    bool
	until      int // the seq of its deletion
}

// commit is a commit's instance and time.
type commit struct {
	by *instance
	at time.Duration
}

// event is a record of the failed topic.
type event struct {
	log       *failedLog
	partition int
	offset    int64
	stamp     time.Time
	seq       int // when it was published
	at        time.Duration
	task      *task // nil: it is not a readable failure event
	failure   int   // which of the task's failures it reports
	code      string
	ignored   bool // a notification that is no failure
	// success is the task that the event reports as succeeded; confirmed: so does MPC.
	success    *task
	confirmed  bool
	committed  bool       // also as part of a done range
	due        *sourceKey // the failure whose retry has a recovery that an instance has begun to publish for this event
	recoveries []*recovery
	value      []byte
	gone       bool // deleted by retention or with its topic, or the group may begin after it
	outcomes   []*outcome
	letters    []*attempt
}

func (e *event) answered() bool {
	return e == nil || e.gone || e.ignored || len(e.letters) > 0 || len(e.outcomes) > 0
}

// outcome is a published outcome.
type outcome struct {
	events.Outcome
	by      *instance
	seq     int
	attempt *attempt
}

// attempt is one write of a batch.
type attempt struct {
	sent, since int // the seqs when it was sent and after which its generation began
	arrived     int // the seq when it was stored
	acked       int // the seq of its acknowledgement; 0: none
	outcomes    []*event
}

// call is one retry call.
type call struct {
	n, seq int
	by     *instance
	since  int // the seq after which the caller's generation began
	task   *task
	log    *failedLog
	// unanswered are the task's events that the caller may have called for. known is how
	// far it knew the partitions.
	unanswered []*event
	known      map[int]int64

	took    bool // MPC accepted it
	settled bool // a state query has shown since that it had no effect until then
	ended   bool
	endedAt time.Time // by the caller's clock
	at      time.Duration
	// How many calls of its generation had ended when it began, and when it ended.
	begunAfter, endedBefore int
	refusal                 *mpcclient.Error
}

// lost: its caller does not know its effect.
func (c *call) lost() bool { return !c.ended || c.refusal != nil && inDoubt(c.refusal) }

// decisive: its answer decides about the task's events.
func (c *call) decisive() bool { return c.ended && (c.refusal == nil || !c.refusal.Outage()) }

func (w *world) initModel() {
	w.bySource, w.owners, w.owned = map[sourceKey]*event{}, map[int]*instance{}, map[int]*ownership{}
	w.log = newFailedLog(w.partitions)
	w.log.first = true
	w.mpc.faults = normal
}

func newFailedLog(partitions int) *failedLog {
	l := &failedLog{}
	l.grow(partitions)
	return l
}

func (l *failedLog) grow(partitions int) {
	for len(l.partitions) < partitions {
		l.partitions = append(l.partitions, nil)
		l.verified = append(l.verified, 0)
		l.last = append(l.last, commit{})
	}
}

// joins: the instance begins to join the group. What it has learned about the topic before
// can be out of date when it has joined.
func (i *instance) joins() { i.countedBefore, i.joinsAt = i.counted, i.w.s.now }

// began: the instance has a new generation.
func (i *instance) began(gen consumer.Generation) {
	i.since, i.sinceAt, i.assigned = i.w.seq(), i.w.s.now, gen.Assigned()
	i.owns(i.assigned)
	i.provenAt = unproven
	clear(i.open)
	clear(i.ends)
	clear(i.alive)
	clear(i.unwritten)
	i.calls = nil
	i.found = nil
	i.tell("has generation %d: partitions %v", gen.ID(), i.assigned)
	i.watchResume(gen.Ended())
	i.partitionCount = len(i.w.log.partitions)
}

// unanswered are the task's events for which the instance may call: in its partitions and
// without an answer that it must know of.
func (i *instance) unanswered(t *task) (list []*event) {
	for _, e := range t.events {
		switch {
		case !slices.Contains(i.assigned, e.partition):
		case e.log.deleted && e.log.until < i.since:
		case slices.ContainsFunc(e.outcomes, func(o *outcome) bool { return o.by == i || o.seq < i.since }):
		default:
			list = append(list, e)
		}
	}
	return list
}

// called: a retry call starts.
func (i *instance) called(t *task) *call {
	w := i.w
	w.sent(i)
	w.called++
	i.calledAt = w.s.now
	c := &call{n: w.called, seq: w.seq(), by: i, since: i.since, at: w.s.now, begunAfter: len(i.calls), task: t, log: w.log, unanswered: i.unanswered(t), known: map[int]int64{}}
	for _, p := range i.assigned {
		c.known[p] = i.ends[p]
	}
	i.inFlight[t]++
	i.open[t] = true
	w.checkCall(c)
	t.calls = append(t.calls, c)
	return c
}

// returned: the caller has its answer, or none.
func (i *instance) returned(c *call, err error) {
	c.ended, c.endedAt = true, i.clock.Now()
	if err != nil {
		errors.As(err, &c.refusal)
	}
	i.inFlight[c.task]--
	if c.since == i.since {
		c.endedBefore = len(i.calls)
		i.calls = append(i.calls, ended{c.task, c.decisive()})
	}
	i.w.doubts = i.w.doubts || c.lost()
	if !c.decisive() && !c.lost() {
		delete(i.open, c.task) // it is known to have had no effect
	}
}

// running: the task is not FAILED. A query before the first call of a generation was about
// a doubt.
func (i *instance) running(t *task) {
	if !slices.ContainsFunc(t.calls, func(c *call) bool { return c.by == i && c.since == i.since }) {
		i.alive[t] = true
	}
}

// settled: the task was FAILED after the query was sent, which was at asked by the
// instance's clock. So its calls had no effect, unless they were so recent then that MPC may
// have been processing them.
func (i *instance) settled(t *task, asked time.Time, sent time.Duration) {
	delete(i.open, t)
	for _, c := range t.calls {
		switch {
		case c.by == i && c.since == i.since:
			c.settled = c.settled || c.ended && asked.Sub(c.endedAt) >= i.w.timeout
		case c.seq < i.since:
			c.settled = c.settled || sent-i.sinceAt >= i.w.timeout
		}
	}
}

// accepted: MPC has accepted the call's retry.
func (w *world) accepted(c *call) {
	c.took = true
	w.tell("MPC: accepts call %d for task %s (retry %d)", c.n, c.task.id, c.task.accepted)
}

// published: a message of the instance is in its topic.
func (i *instance) published(m consumer.Message, a *attempt) {
	w := i.w
	switch m.Topic {
	case topicDeadLetter:
		w.deadLettered(i, m, m.Headers, a)
		return
	case topicRecovered:
		w.recovered(i, m, a)
		return
	}
	o, err := events.DecodeOutcome(m.Value, m.Headers)
	if err != nil {
		w.violate("outcomes can be read", "instance %s publishes %q: %v", i.name, m.Value, err)
		return
	}
	e := w.bySource[sourceKey{o.Source.Partition, o.Source.Offset, o.Source.Time.UnixMilli()}]
	if e == nil || e.task == nil || e.task.id != o.Failure.TaskID {
		w.violate("outcomes answer failure events", "instance %s answers an event that does not exist: %s", i.name, m.Value)
		return
	}
	a.arrived = w.seq()
	one := &outcome{Outcome: o, by: i, seq: w.seq(), attempt: a}
	i.tell("publishes %s (attempts %d, retries %d, accepted %v, covers %v) for event %d/%d of task %s",
		o.Reason, o.Attempts, *o.Retries, o.CountsAsRetry(), o.Covers, e.partition, e.offset, e.task.id)
	if kind := topicOf(o.Reason.Kind()); kind != m.Topic {
		w.violate("outcomes are on the topic of their kind", "a %s outcome is on %s", o.Reason.Kind(), m.Topic)
	}
	w.checkOutcome(e, one)
	w.checkDone(i, e, a)
	e.outcomes = append(e.outcomes, one)
	a.outcomes = append(a.outcomes, e)
}

func topicOf(k events.Kind) string {
	if k == events.Retried {
		return topicRetried
	}
	return topicRetryFailed
}

// acknowledged: the instance knows that the batch is stored.
func (i *instance) acknowledged(a *attempt) {
	a.acked = i.w.seq()
	for _, e := range a.outcomes {
		delete(i.open, e.task)
	}
}
