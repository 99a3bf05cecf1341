package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

const (
	// A batch is written and committed once it has batchRecords messages, or at least
	// batchBytes. After a kill at most one batch is written twice.
	batchRecords = 100
	batchBytes   = 512 << 10
	// grace is how long a batch may go on after the run was told to stop.
	grace = 5 * time.Second
	// tooOften: a record that was a dead letter this many times would become one again.
	tooOften = 2
)

// sink writes and commits batches.
type sink interface {
	// write puts messages back. It returns those that were refused for good, by index.
	// If it fails, the first done messages are written or refused.
	write(ctx context.Context, messages []message) (refused map[int]error, done int, err error)
	commit(ctx context.Context, partition int, at consumer.Position) error
}

// dryRun is a sink that accepts everything and changes nothing.
type dryRun struct{}

func (dryRun) write(_ context.Context, m []message) (map[int]error, int, error) {
	return nil, len(m), nil
}
func (dryRun) commit(context.Context, int, consumer.Position) error { return nil }

// batch has some records of one partition.
type batch struct {
	r         *Redriver
	to        sink
	partition int
	done      progress

	items    []item
	messages []message
	bytes    int
}

// message is a record to be put back, and the partition of the failed topic that it came
// from.
type message struct {
	consumer.Message
	partition int
}

// item is a record and what is done with it. It is counted and reported when it is
// committed, because records of an ended generation are read again.
type item struct {
	record  *consumer.Record
	verdict verdict
	why     string // if it is skipped
}

type verdict int

const (
	selected verdict = iota
	skipped
	other   // not selected by the filter
	earlier // put back by an earlier run
)

// page handles a page of the dead-letter topic, batch by batch.
func (b *batch) page(ctx context.Context, page consumer.Page) error {
	for i := range page.Records {
		r := &page.Records[i]
		if b.r.limited(len(b.messages)) || len(b.messages) >= b.r.size() || b.bytes >= batchBytes {
			if err := b.flush(ctx, r.Offset); err != nil {
				return err
			}
			if b.r.limited(0) {
				return errLimit
			}
		}
		b.add(r)
	}
	if err := b.flush(ctx, page.Next); err != nil {
		return err
	}
	if b.r.limited(0) {
		return errLimit
	}
	return nil
}

// size returns how many records a batch has. With a rate, it is the number for a tenth of
// a second.
func (r *Redriver) size() int {
	if r.cfg.Rate == 0 {
		return batchRecords
	}
	return max(1, min(batchRecords, int(r.cfg.Rate/10)))
}

// limited reports whether the limit is reached with this number of further records.
func (r *Redriver) limited(more int) bool {
	return r.cfg.Limit > 0 && r.totals.Redriven+more >= r.cfg.Limit
}

// add adds a record to the batch.
func (b *batch) add(r *consumer.Record) {
	letter, err := events.ReadDeadLetter(r.Headers)
	it := b.decide(r, letter, err)
	b.items = append(b.items, it)
	if it.verdict != selected {
		return
	}
	m := consumer.Message{Topic: b.r.cfg.Failed, Key: r.Key, Value: r.Value, Headers: events.RedriveHeaders(r.Headers)}
	b.messages = append(b.messages, message{m, letter.Source.Partition})
	b.bytes += len(r.Key) + len(r.Value)
}

// decide decides what is done with a record. letter is read from its headers; err: it is not
// a dead letter.
func (b *batch) decide(r *consumer.Record, letter events.DeadLetterInfo, err error) item {
	skip := func(format string, args ...any) item {
		return item{record: r, verdict: skipped, why: fmt.Sprintf(format, args...)}
	}
	switch {
	case !b.r.cfg.Filter.selects(r, letter.Reason):
		return item{record: r, verdict: other}
	case err != nil:
		return skip("%v", err)
	case letter.Source.Topic != b.r.cfg.Failed:
		return skip("it comes from topic %s, not from %s", letter.Source.Topic, b.r.cfg.Failed)
	case letter.Size > 0:
		return skip("it is only a reference to the record of %d bytes at offset %d of partition %d: retry its tasks with `retry`", letter.Size, letter.Source.Offset, letter.Source.Partition)
	case letter.Count >= tooOften:
		return skip("it came back: it has been a dead letter %d times, the last time for %s: %s", letter.Count, letter.Reason, letter.Message)
	case b.done.contains(r, letter.Reason):
		// This is checked last: an earlier run has also handled what it skipped, but did not
		// put that back.
		return item{record: r, verdict: earlier}
	}
	return item{record: r}
}

// flush writes the batch and commits that all records below next are done. A stop of the
// run interrupts neither within grace, because written records that are not committed are
// written again by the next run.
func (b *batch) flush(ctx context.Context, next int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refused, done, failed := b.to.write(ctx, b.messages)
	if failed != nil {
		next = b.offset(done)
	}
	b.done.advance(b.r.cfg.Filter, next)
	at, err := b.done.position()
	if err != nil {
		return fatal{err}
	}
	if err := b.to.commit(ctx, b.partition, at); err != nil {
		return errors.Join(err, failed)
	}
	before := b.r.totals.Redriven
	b.report(next, refused)
	b.items, b.messages, b.bytes = nil, nil, 0
	if failed != nil {
		return failed
	}
	return b.r.keepRate(ctx, b.r.totals.Redriven-before)
}

// offset returns the offset of the nth selected record, counted from 0.
func (b *batch) offset(n int) int64 {
	for _, it := range b.items {
		if it.verdict == selected {
			if n == 0 {
				return it.record.Offset
			}
			n--
		}
	}
	panic("redrive: a batch has failed after its last message")
}

// report counts the records below next and reports them to the listener.
func (b *batch) report(next int64, refused map[int]error) {
	t, listener, n := &b.r.totals, b.r.cfg.Listener, 0
	for _, it := range b.items {
		if it.record.Offset >= next {
			break
		}
		if it.verdict == selected {
			if why := refused[n]; why != nil {
				it.verdict, it.why = skipped, fmt.Sprintf("topic %s refuses it, and later runs will not try again: retry its task with `retry` (%v)", b.r.cfg.Failed, why)
			}
			n++
		}
		switch it.verdict {
		case selected:
			t.Redriven++
			listener.Selected(it.record)
		case skipped:
			t.Skipped++
			listener.Skipped(it.record, it.why)
		case other:
			t.Others++
		case earlier:
			t.Before++
		}
	}
	b.r.count(b.partition, next)
}

// keepRate waits after n records were put back, to keep the rate. Lost time is not made up
// for.
func (r *Redriver) keepRate(ctx context.Context, n int) error {
	if r.cfg.Rate == 0 || n == 0 {
		return nil
	}
	return r.cfg.Clock.Sleep(ctx, time.Duration(float64(n)/r.cfg.Rate*float64(time.Second)))
}
