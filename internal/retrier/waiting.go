package retrier

import "sync/atomic"

// Waiting counts the events that wait before a call or a question: for their
// turn, for their own backoff after a call that failed, or for Kafka.
type Waiting struct{ Turn, Backoff, Kafka int }

// waits counts where events are on their way to a call.
type waits struct {
	turns   atomic.Int64 // wait before a call or a question, for whatever
	opening atomic.Int64 // those that wait for a place among the called and not acknowledged
	marking atomic.Int64 // those that wait for the commit that tells of their call
	resting atomic.Int64 // wait after a call that failed
	// unpublished hold a place among the called and not acknowledged, and wait for
	// nothing but Kafka to take their answer.
	unpublished atomic.Int64
}

// Waiting tells how many wait now. Who waits behind others waits for what they
// wait for: for Kafka, if it keeps all the places that there are.
func (r *Retrier) Waiting() Waiting {
	turns, opening, marking := int(r.turns.Load()), int(r.opening.Load()), int(r.marking.Load())
	kafka := marking
	switch {
	case marking >= r.cfg.MaxInFlight: // nobody else can come to a turn
		kafka = turns
	case marking+int(r.unpublished.Load()) >= 2*r.cfg.MaxInFlight:
		kafka += opening
	}
	kafka = min(kafka, turns) // they are counted one after the other
	return Waiting{Turn: turns - kafka, Backoff: int(r.resting.Load()), Kafka: kafka}
}

// counted is a wait during which the event is one of n.
func counted(n *atomic.Int64, wait func() error) error {
	n.Add(1)
	defer n.Add(-1)
	return wait()
}
