package consumer

import (
	"errors"
	"sync"
)

// LargestRecord is the size of the largest record whose contents are read, in
// bytes. Kafka's own default bound is 1 MiB.
const LargestRecord = 64 << 20

// Loadable tells whether a record that came without its contents may be fetched by
// itself, with LeftOut.Size for maxBytes.
func (r *Record) Loadable() bool {
	return r.LeftOut != nil && r.LeftOut.Last == r.Offset && r.LeftOut.Size <= LargestRecord
}

// load fetches the contents of a large record. Of these, one at a time is in
// memory, over all partitions: until its handler has dropped the contents, or it is
// answered. A record that is no longer there, or still too large, stays as it is.
func (p *partition) load(d *Delivery) error {
	c, g := p.g.c, p.g
	if err := g.large.Acquire(g.working); err != nil {
		return err
	}
	d.unload = sync.OnceFunc(g.large.Release)
	var page Page
	err := c.retry(g.working, p.notice, "fetching", func() (err error) {
		page, err = c.cfg.Log.Fetch(g.working, c.cfg.Topic, p.id, d.Offset, int(d.LeftOut.Size))
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

// unloaded lets the next large record go on where this one's value and headers
// were dropped. Its handler has returned, and may have put a small key in place of
// the record's.
func (d *Delivery) unloaded() {
	if d.Value == nil && d.Headers == nil {
		d.unload()
	}
}
