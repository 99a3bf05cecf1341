package consumer

import (
	"errors"
	"fmt"
	"time"
)

// refusedRetry is how often a rejected message is retried: an operator may have changed the
// topic's settings.
const refusedRetry = 10 * time.Second

// refused: the topic's settings reject the message.
func refused(err error) bool {
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidRecord)
}

// retryRejected publishes a rejected message again: in its next alternative form, or
// unchanged after a while, when an operator may have acted.
func (p *publisher) retryRejected(pub *publication, err error) {
	switch {
	case errors.Is(err, errMoved):
	case len(pub.alternatives) > 0:
		pub.Message, pub.alternatives = pub.alternatives[0], pub.alternatives[1:]
	default:
		problem := fmt.Sprintf("topic %s rejects a message of %d bytes; its record cannot be committed until the topic accepts it: %v",
			pub.Topic, len(pub.Key)+len(pub.Value), err)
		p.setStuck(pub, problem)
		if err := p.g.c.cfg.Clock.Sleep(p.g.working, refusedRetry); err != nil {
			p.finish(pub, err)
			return
		}
	}
	p.publish(pub)
}

// setStuck notes what blocks the message now. Each problem is logged once.
func (p *publisher) setStuck(pub *publication, problem string) {
	if pub.stuck == problem {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stuck[pub.stuck]--; p.stuck[pub.stuck] <= 0 {
		delete(p.stuck, pub.stuck)
	}
	if problem != "" {
		if p.stuck[problem]++; p.stuck[problem] == 1 {
			p.g.log.Error(problem)
		}
	}
	pub.stuck = problem
}
