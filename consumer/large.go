package consumer

import (
	"errors"
	"sync"
)

// LargestRecord is the size in bytes of the largest record whose contents are read. Kafka's
// default limit is 1 MiB.
const LargestRecord = 64 << 20

// Loadable reports whether a record without contents can be fetched alone, with maxBytes
// set to LeftOut.Size.
func (r *Record) Loadable() bool {
	return r.LeftOut != nil && r.LeftOut.Last == r.Offset && r.LeftOut.Size <= LargestRecord
}

// load fetches the contents of a large record. Over all partitions only one is in memory at
// a time, until its handler drops the contents or answers the record. A record that is
// gone, or still too large, stays without contents.
func (p *partition) load(d *Delivery) error {
	c, g := p.g.c, p.g
	if err := g.large.Acquire(g.working); err != nil {
		return err
	}
	d.unload = sync.OnceFunc(g.large.Release)
	var page Page
	err := c.retry(g.working, p.notice, "fetching", func() (err error) {
		page, err = c.cfg.Client.Fetch(g.working, c.cfg.Topic, p.id, d.Offset, int(d.LeftOut.Size))
		return err
	}, ErrOffsetOutOfRange)
	switch {
	case err != nil && !errors.Is(err, ErrOffsetOutOfRange):
		d.unload()
		return err
	case err == nil && len(page.Records) > 0 && page.Records[0].Offset == d.Offset && page.Records[0].LeftOut == nil:
		d.Record = page.Records[0]
	default:
		d.unload()
	}
	return nil
}

// unloadIfDropped lets the next large record load if the handler has dropped this one's value
// and headers. It is called after the handler returns; the handler may have replaced the key
// by a small one.
func (d *Delivery) unloadIfDropped() {
	if d.Value == nil && d.Headers == nil {
		d.unload()
	}
}
