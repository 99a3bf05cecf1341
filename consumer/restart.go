package consumer

import "time"

// restart has partitions read from their beginning, because their log is not
// the one that was committed. It is called after the generation was lost.
func (g *generation) restart(wholeTopic bool, parts ...*partition) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	g.c.reborn = g.c.reborn || wholeTopic
	for _, p := range parts {
		g.c.distrusted[p.id] = p.committed()
	}
}

// distrusts tells whether a committed position is one of a former log. Once
// anybody has committed another, that one counts.
func (c *Consumer) distrusts(id int, at Position) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	former, ok := c.distrusted[id]
	return ok && former.Offset == at.Offset && timeless(former) == timeless(at)
}

// timeless is a commit's text without the times in it, of which Owners are one: where the last commit of
// the former log was stored and its answer lost, only that differs from what is
// known to be committed.
func timeless(at Position) string {
	m, err := ParseMark(at.Metadata, at.Offset)
	if err != nil {
		return at.Metadata
	}
	m.Since, m.Owners = time.Time{}, nil
	return m.Encode(at.Offset)
}

// restartDone: a commit of this generation is acknowledged, which replaces what
// was committed for the former log. A lost generation's commit may be of one
// that was found out since, and settles nothing.
func (c *Consumer) restartDone(g *generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range g.opened() {
		if p.restarted && p.stored.Load() != nil && g.owned.Err() == nil {
			p.restarted = false
			delete(c.distrusted, p.id)
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
	if !c.cfg.Latest || c.reborn {
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
