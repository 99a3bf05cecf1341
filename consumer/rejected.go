package consumer

import (
	"errors"
	"fmt"
	"time"
)

// rejectedRetry is how often a rejected message is retried: an operator may have changed the
// topic's settings.
const rejectedRetry = 10 * time.Second

// rejected reports whether the topic's settings reject the message.
func rejected(err error) bool {
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidRecord)
}

// retryRejected publishes a rejected message again: in its next alternative form, or
// unchanged after a while, when an operator may have acted. A message whose partition is
// gone (errMoved) is published again at once, to its new partition.
func (p *publisher) retryRejected(pub *publication, err error) {
	switch {
	case errors.Is(err, errMoved):
	case len(pub.alternatives) > 0:
		pub.Message, pub.alternatives = pub.alternatives[0], pub.alternatives[1:]
	default:
		problem := fmt.Sprintf("topic %s rejects a message of %d bytes; its record cannot be committed until the topic accepts it: %v",
			pub.Topic, len(pub.Key)+len(pub.Value), err)
		p.setStuck(pub, StuckMessage{Problem: problem, Topic: pub.Topic, Bytes: pub.size(), TooLarge: errors.Is(err, ErrTooLarge)}, false)
		if err := p.g.c.cfg.Clock.Sleep(p.g.working, rejectedRetry); err != nil {
			p.finish(pub, err)
			return
		}
	}
	p.publish(pub)
}

// StuckMessage is a message that its topic rejects until an operator changes the
// topic's settings.
type StuckMessage struct {
	// Problem describes it, for the log.
	Problem string
	Topic   string
	// Bytes is the size of key, value and headers.
	Bytes int
	// TooLarge: it exceeds max.message.bytes; else another setting rejects it.
	TooLarge bool
}

// stuck is a problem and the number of messages that have it.
type stuck struct {
	StuckMessage
	messages int
}

func (m *Message) size() int {
	n := len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// setStuck notes what blocks the message now; zero: nothing. Each problem is logged
// once, and so is its end. taken: the topic has accepted the message; otherwise it is left
// to the next owner.
func (p *publisher) setStuck(pub *publication, now StuckMessage, taken bool) {
	if pub.stuck == now.Problem {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.stuck[pub.stuck]; before.messages > 1 {
		before.messages--
		p.stuck[pub.stuck] = before
	} else {
		delete(p.stuck, pub.stuck)
		size := pub.size()
		switch {
		case pub.stuck == "" || now.Problem != "":
		case taken:
			p.g.log.Infof("topic %s has accepted the message of %d bytes that it rejected before", pub.Topic, size)
		default:
			p.g.log.Infof("topic %s still rejects the message of %d bytes: its record goes to the partition's next owner", pub.Topic, size)
		}
	}
	if now.Problem != "" {
		n := p.stuck[now.Problem].messages
		p.stuck[now.Problem] = stuck{now, n + 1}
		if n == 0 {
			p.g.log.Error(now.Problem)
		}
	}
	pub.stuck = now.Problem
}
