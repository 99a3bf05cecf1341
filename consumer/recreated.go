package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
)

// moved finds out why the partition does not hold the offset that was asked
// for. Retention may have deleted it, which is a loss to be said. Or the log is
// another one: then the generation ends without a further commit.
func (p *partition) moved() error {
	first, next, err := p.bounds()
	if errors.Is(err, ErrUnknownTopic) {
		return p.otherLog(errTopicGone)
	}
	if err != nil {
		return err
	}
	if p.offset >= first {
		return p.otherLog(fmt.Errorf("%w: it ends at %d, the next record was to be %d", errOtherLog, next, p.offset))
	}
	if lost := p.tracker.lost(first); lost > 0 {
		p.g.c.stats.dataLoss.Add(lost)
		p.log.WithFields(logrus.Fields{"from": p.offset, "to": first}).
			Errorf("data loss: retention deleted %d failure events before they were read; raise the retention of %s", lost, p.g.c.cfg.Topic)
	}
	p.tracker.advance(first)
	p.offset = first
	return nil
}

// otherLog gives the generation up: what was read before must not be committed
// for the log that is there now.
func (p *partition) otherLog(err error) error {
	p.log.Errorf("%v: starting over, so that nothing of the new log is passed over", err)
	p.g.revoke(err)
	p.g.restart(errors.Is(err, errTopicGone), p)
	return err
}

// restart has partitions read from their beginning, because their log is not
// the one that was committed. It is called after the generation was revoked.
func (g *generation) restart(wholeTopic bool, parts ...*partition) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	g.c.recreated = g.c.recreated || wholeTopic
	for _, p := range parts {
		g.c.stale[p.id] = p.committed()
	}
}

// isStale tells whether a committed position is one of a former log. Once
// anybody has committed another, that one counts.
func (c *Consumer) isStale(id int, at Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	former, ok := c.stale[id]
	return ok && former.Offset == at.Offset && withoutTime(former) == withoutTime(at)
}

// withoutTime is a commit's text without what changes with the time: where the last
// commit of the former log was stored and its answer lost, only that differs from
// what is known to be committed.
func withoutTime(at Position) string {
	m, err := ParseMark(at.Metadata, at.Offset)
	if err != nil {
		return at.Metadata
	}
	m.Since, m.Owners = time.Time{}, nil
	return m.Encode(at.Offset)
}

// restartDone: a commit of this generation is acknowledged, which replaces what
// was committed for the former log. A revoked generation's commit may be of one
// that was found out since, and settles nothing.
func (c *Consumer) restartDone(g *generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range g.opened() {
		if p.restarted && p.stored.Load() != nil && g.owned.Err() == nil {
			p.restarted = false
			delete(c.stale, p.id)
		}
	}
}

// startsAtEnd decides for a partition without a committed offset. Latest is for
// a group that starts, of which another member may have committed its partitions
// already. It is not for a partition that was added to a topic that the group
// knows, nor for a topic re-created under our eyes: their first events must not
// be passed over.
func (c *Consumer) startsAtEnd(id int, committed map[int]Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cfg.Latest || c.recreated {
		return false
	}
	for _, at := range committed {
		m, err := ParseMark(at.Metadata, at.Offset)
		if err != nil || id >= m.Of {
			return false
		}
	}
	return true
}
