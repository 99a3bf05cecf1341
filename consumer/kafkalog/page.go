package kafkalog

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/segmentio/kafka-go/protocol/fetch"

	"remux-retrier/consumer"
)

const (
	// minPage and maxPage bound a page in unpacked bytes, beside its first record. Between
	// them the limit is eight times the requested bytes.
	minPage, maxPage = 64 << 10, 8 << 20
	// usualRecord is the largest record that is returned together with others: a little
	// above the default limit of topics. A larger one must be requested alone.
	usualRecord = 1<<20 + 64<<10
	// farBeyond is more offsets than can be written while a partition is being read: a
	// batch further beyond the end is invalid.
	farBeyond = 1 << 24
)

// pager builds a page from the batches of a response. The broker returns whole batches: the
// first may start below the requested offset, and batches of aborted transactions and their
// markers are included.
type pager struct {
	topic     string
	partition int
	from      int64
	most      int   // bytes of a page
	largest   int64 // bytes of a record
	high      int64 // end of all records
	stable    int64 // last stable offset
	aborted   aborted
	names     map[string]string

	page consumer.Page
	size int
	due  int64 // lowest offset that the next batch may start at
	full bool
}

func newPager(f *part, high, stable int64, txns []fetch.ResponseTransaction) pager {
	return pager{
		topic: f.topic, partition: int(f.partition), from: f.offset, high: high, stable: stable, aborted: newAborted(txns),
		most: min(max(minPage, 8*f.asked), maxPage), largest: max(usualRecord, int64(f.asked)),
		page: consumer.Page{Next: f.offset, End: stable},
	}
}

// begin checks that a batch follows the one before it.
func (p *pager) begin(h *header) error {
	if h.base() < p.due || h.last() < h.base() || h.last() > p.high+farBeyond {
		return fmt.Errorf("the broker's answer has a batch at offsets %d to %d, of %d, expected %d or more", h.base(), h.last(), p.high, p.due)
	}
	p.due = h.last() + 1
	return nil
}

// read adds a batch with a correct checksum to the page. body is nil if the batch is too
// large to be read.
func (p *pager) read(l *Client, h *header, body []byte) error {
	p.aborted.begin(h.base())
	var err error
	switch kind := h.attributes(); {
	case kind.Control():
		err = p.aborted.marker(h.producer(), body)
	case kind.Transactional() && p.aborted.open[h.producer()], h.last() < p.from:
	case body == nil:
		p.leaveOut(h, max(h.base(), p.from), fmt.Sprintf("a batch is larger than %d MiB as it is stored", maxStored>>20))
	default:
		err = p.records(l, h, body)
	}
	if err == nil && !p.full {
		p.page.Next = max(p.page.Next, h.last()+1)
	}
	return err
}

// records adds a batch's records until the page is full.
func (p *pager) records(l *Client, h *header, body []byte) error {
	if h.count() < 0 {
		return fmt.Errorf("a batch of %d records", h.count())
	}
	next := h.base()
	in, err := l.unpack(batchAt{p.topic, p.partition, *h}, p.from, body)
	if err == nil {
		unfinished := false
		defer func() { l.done(in, unfinished) }()
		for in.rest > 0 && err == nil && !p.full {
			err = p.one(h, in)
		}
		next, unfinished = in.due, err == nil && p.full && in.rest > 0
	}
	if why := exceeded(err); why != "" {
		p.leaveOut(h, max(next, p.from), why)
		return nil
	}
	if err != nil && p.page.Next > p.from && !p.full {
		p.full = true // what came before can be read
		return nil
	}
	return err
}

// one reads the next record.
func (p *pager) one(h *header, in *unpacked) error {
	length, err := in.length()
	if err != nil {
		return err
	}
	start, err := in.peek(min(length, startSize))
	if err != nil {
		return err
	}
	f := fields{b: start}
	delta, after := f.start()
	offset := h.base() + delta
	switch {
	case f.truncated:
		return errTruncated
	case offset < in.due || delta > math.MaxInt32 || offset > h.last():
		return fmt.Errorf("a record at offset %d, expected %d or more", offset, in.due)
	case offset < p.from:
		err := in.skip(length)
		in.passed(offset)
		return err
	case len(p.page.Records) > 0 && int64(p.size)+length > int64(p.most):
		p.full, p.page.Next = true, offset
		return nil
	}
	took := length
	if length <= p.largest {
		b, own, err := in.take(length)
		if err != nil {
			return err
		}
		if took = memory(b); took <= p.largest {
			rec, err := p.record(h, b, own)
			p.add(rec, int(took))
			in.passed(offset)
			p.full = took > usualRecord // it was asked for by itself
			return err
		}
		in.back(b, own)
	}
	if in.r != nil && took <= consumer.LargestRecord {
		p.full = true // it is fetched by itself next, from here
	} else if err := in.skip(length); err != nil {
		return err
	} else {
		in.passed(offset)
	}
	p.add(consumer.Record{
		Topic: p.topic, Partition: p.partition, Offset: offset, Time: time.UnixMilli(h.first() + after),
		LeftOut: &consumer.LeftOut{Size: took, Last: offset, Why: fmt.Sprintf("the record has %d bytes", took)},
	}, 0)
	return nil
}

func (p *pager) add(r consumer.Record, size int) {
	p.page.Records = append(p.page.Records, r)
	p.page.Next = r.Offset + 1
	p.size += size + consumer.RecordBytes
}

// leaveOut adds all records of a batch from an offset on as one record without contents.
func (p *pager) leaveOut(h *header, from int64, why string) {
	p.add(consumer.Record{
		Topic: p.topic, Partition: p.partition, Offset: from, Time: time.UnixMilli(h.latest()),
		LeftOut: &consumer.LeftOut{Size: int64(h.length()) + lengthEnd, Last: h.last(), Why: why},
	}, 0)
}

// aborted tracks which producers are inside an aborted transaction, batch by batch. ahead
// lists the transactions that start later, by offset. A producer may have several in one
// page, so each applies from its start to its marker.
type aborted struct {
	ahead []fetch.ResponseTransaction
	open  map[int64]bool // by producer id; nil: none yet
}

func newAborted(txns []fetch.ResponseTransaction) aborted {
	ahead := slices.Clone(txns)
	slices.SortFunc(ahead, func(a, b fetch.ResponseTransaction) int {
		return int(min(1, max(-1, a.FirstOffset-b.FirstOffset)))
	})
	return aborted{ahead: ahead}
}

// begin opens the transactions that have started at a batch's base offset.
func (a *aborted) begin(base int64) {
	for len(a.ahead) > 0 && a.ahead[0].FirstOffset <= base {
		if a.open == nil {
			a.open = map[int64]bool{}
		}
		a.open[a.ahead[0].ProducerID] = true
		a.ahead = a.ahead[1:]
	}
}

// marker reads a control batch. Its record's key is a version and a type, two bytes each;
// type 0 ends an aborted transaction.
func (a *aborted) marker(producerID int64, body []byte) error {
	f := fields{b: body}
	f.varint() // its length
	f.start()
	key := f.bytes()
	if f.truncated || len(key) != 4 {
		return fmt.Errorf("a marker with a key of %d bytes", len(key))
	}
	if key[2] == 0 && key[3] == 0 {
		delete(a.open, producerID)
	}
	return nil
}
