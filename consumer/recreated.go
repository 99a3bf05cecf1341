package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"
)

// outOfRange handles a fetch at an offset that the partition does not hold. Retention may
// have deleted it: then events are lost, and that is logged. Otherwise the log is a
// different one, and the generation ends without another commit.
func (p *partition) outOfRange() error {
	first, next, err := p.bounds()
	if errors.Is(err, ErrUnknownTopic) {
		return p.otherLog(errTopicGone)
	}
	if err != nil {
		return err
	}
	if p.offset >= first {
		return p.otherLog(fmt.Errorf("%w: it ends at %d, but the next offset to read is %d", errOtherLog, next, p.offset))
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

// otherLog gives up the generation: what was read before must not be committed for the log
// that is there now.
func (p *partition) otherLog(err error) error {
	wholeTopic, what := errors.Is(err, errTopicGone), "partition"
	if wholeTopic {
		what = "topic"
	}
	p.log.Errorf("%v: starting over from the beginning of the %s", err, what)
	p.g.revoke(err)
	p.g.restart(wholeTopic, p)
	return err
}

// restart makes the next generation read partitions from their beginning, because their log
// is not the one that was committed. Call it after the generation is revoked.
func (g *generation) restart(wholeTopic bool, parts ...*partition) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	g.c.recreated = g.c.recreated || wholeTopic
	for _, p := range parts {
		g.c.stale[p.id] = p.committed()
	}
}

// isStale reports whether a committed position belongs to a former log. Any newer commit
// replaces it.
func (c *Consumer) isStale(id int, at Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	former, ok := c.stale[id]
	return ok && former.Offset == at.Offset && withoutTime(former) == withoutTime(at)
}

// withoutTime returns the commit's text without the parts that change with time. If the
// last commit of the former log was stored but its answer lost, it differs from the known
// commit only in those parts.
func withoutTime(at Position) string {
	m, err := ParseCommitMetadata(at.Metadata, at.Offset)
	if err != nil {
		return at.Metadata
	}
	m.Since, m.Owners = time.Time{}, nil
	return m.Encode(at.Offset)
}

// restartDone removes stale positions that an acknowledged commit of this generation has
// replaced. A revoked generation does not count: its commit may belong to a log that has
// been replaced since.
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

// startsAtEnd decides for a partition without a committed offset. Latest applies to a new
// group, even if another member has already committed its own partitions. It does not apply
// to partitions added later, nor to a topic recreated while we read it: their first events
// must not be skipped.
func (c *Consumer) startsAtEnd(id int, committed map[int]Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cfg.Latest || c.recreated {
		return false
	}
	for _, at := range committed {
		m, err := ParseCommitMetadata(at.Metadata, at.Offset)
		if err != nil || id >= m.TopicPartitions {
			return false
		}
	}
	return true
}
