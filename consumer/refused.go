package consumer

import (
	"errors"
	"fmt"
	"time"
)

// refusedRetry is how often a message that its topic refuses is tried again: an
// operator may have changed the setting.
const refusedRetry = 10 * time.Second

// refused: the topic's settings do not allow the message.
func refused(err error) bool {
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidRecord)
}

// again publishes what could not be written as it stands: the next alternative,
// or the same message after a while, when an operator may have acted.
func (p *publisher) again(pub *publication, err error) {
	switch {
	case errors.Is(err, errMoved):
	case len(pub.alternatives) > 0:
		pub.Message, pub.alternatives = pub.alternatives[0], pub.alternatives[1:]
	default:
		problem := fmt.Sprintf("topic %s refuses a message of %d bytes, whose record cannot be committed until it takes it: %v",
			pub.Topic, len(pub.Key)+len(pub.Value), err)
		p.setStuck(pub, problem, false)
		if err := p.g.c.cfg.Clock.Sleep(p.g.working, refusedRetry); err != nil {
			p.end(pub, err)
			return
		}
	}
	p.publish(pub)
}

// setStuck notes what holds the message back now. Each problem is logged once, and its
// end: taken, or left to the next owner.
func (p *publisher) setStuck(pub *publication, problem string, taken bool) {
	if pub.stuck == problem {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck[pub.stuck]--; p.stuck[pub.stuck] <= 0 {
		delete(p.stuck, pub.stuck)
		size := len(pub.Key) + len(pub.Value)
		switch {
		case pub.stuck == "" || problem != "":
		case taken:
			p.g.log.Infof("topic %s has taken the message of %d bytes that it refused", pub.Topic, size)
		default:
			p.g.log.Infof("topic %s still refuses the message of %d bytes: its record goes to the partition's next owner", pub.Topic, size)
		}
	}
	if problem != "" {
		if p.stuck[problem]++; p.stuck[problem] == 1 {
			p.g.log.Error(problem)
		}
	}
	pub.stuck = problem
}
