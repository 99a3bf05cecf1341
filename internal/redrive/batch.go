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
	// batchRecords and batchBytes bound what is written before it is committed:
	// so much, at most, a kill makes be written twice.
	batchRecords = 100
	batchBytes   = 512 << 10
	// grace is what a batch under way gets when the run is to stop.
	grace = 5 * time.Second
	// tooOften: a record that has come back so often will come back again.
	tooOften = 2
)

// sink is where a batch goes.
type sink interface {
	// write puts messages back and returns which were refused for good, by index,
	// and how many of them, from the first, are done when it fails.
	write(ctx context.Context, messages []message) (refused map[int]error, done int, err error)
	commit(ctx context.Context, partition int, at consumer.Position) error
}

// dry is a sink that takes everything and changes nothing.
type dry struct{}

func (dry) write(_ context.Context, m []message) (map[int]error, int, error) {
	return nil, len(m), nil
}
func (dry) commit(context.Context, int, consumer.Position) error { return nil }

// batch is some records of one partition on their way.
type batch struct {
	r         *Redriver
	to        sink
	partition int
	done      progress

	items    []item
	messages []message
	bytes    int
}

// message is a record on its way back, and the partition where it stood.
type message struct {
	consumer.Message
	partition int
}

// item is what becomes of a record. It is counted and told when it is committed:
// what a lost generation has seen comes again.
type item struct {
	record  *consumer.Record
	verdict verdict
	why     string // it is left
}

type verdict int

const (
	meant verdict = iota
	left
	other  // not meant by the filter
	before // put back by an earlier run
)

// page works on a page of the dead-letter topic, batch by batch.
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
		b.take(r)
	}
	if err := b.flush(ctx, page.Next); err != nil {
		return err
	}
	if b.r.limited(0) {
		return errLimit
	}
	return nil
}

// size is how many records a batch has: a tenth of a second's worth, where there
// is a rate.
func (r *Redriver) size() int {
	if r.cfg.Rate == 0 {
		return batchRecords
	}
	return max(1, min(batchRecords, int(r.cfg.Rate/10)))
}

// limited tells whether the limit is reached, with so many more.
func (r *Redriver) limited(more int) bool {
	return r.cfg.Limit > 0 && r.totals.Redriven+more >= r.cfg.Limit
}

// take puts a record into the batch.
func (b *batch) take(r *consumer.Record) {
	letter, err := events.ReadDeadLetter(r.Headers)
	it := b.judge(r, letter, err)
	b.items = append(b.items, it)
	if it.verdict != meant {
		return
	}
	m := consumer.Message{Topic: b.r.cfg.Failed, Key: r.Key, Value: r.Value, Headers: events.RedriveHeaders(r.Headers)}
	b.messages = append(b.messages, message{m, letter.Source.Partition})
	b.bytes += len(r.Key) + len(r.Value)
}

// judge says what becomes of a record, given what its headers say, or that they
// are not a dead letter's.
func (b *batch) judge(r *consumer.Record, letter events.DeadLetterInfo, err error) item {
	leave := func(format string, args ...any) item {
		return item{record: r, verdict: left, why: fmt.Sprintf(format, args...)}
	}
	switch {
	case !b.r.cfg.Filter.means(r, letter.Reason):
		return item{record: r, verdict: other}
	case err != nil:
		return leave("%v", err)
	case letter.Source.Topic != b.r.cfg.Failed:
		return leave("it comes from topic %s, not from %s", letter.Source.Topic, b.r.cfg.Failed)
	case letter.Size > 0:
		return leave("it does not carry the record of %d bytes that stands at offset %d of partition %d: ask for its tasks with `retry`", letter.Size, letter.Source.Offset, letter.Source.Partition)
	case letter.Count >= tooOften:
		return leave("it came back: it was a dead letter %d times by now, the last time for %s: %s", letter.Count, letter.Reason, letter.Message)
	case b.done.did(r, letter.Reason):
		// Last: an earlier run is done with what it left, too, but put none of it back.
		return item{record: r, verdict: before}
	}
	return item{record: r}
}

// flush writes the batch and commits that all below next is done. Neither is cut
// short by the end of the run, or what was written would be written again.
func (b *batch) flush(ctx context.Context, next int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	refused, done, failed := b.to.write(ctx, b.messages)
	if failed != nil {
		next = b.offset(done)
	}
	b.done.reach(b.r.cfg.Filter, next)
	at, err := b.done.position()
	if err != nil {
		return fatal{err}
	}
	if err := b.to.commit(ctx, b.partition, at); err != nil {
		return errors.Join(err, failed)
	}
	before := b.r.totals.Redriven
	b.tell(next, refused)
	b.items, b.messages, b.bytes = nil, nil, 0
	if failed != nil {
		return failed
	}
	return b.r.rest(ctx, b.r.totals.Redriven-before)
}

// offset is that of the n-th record that is meant.
func (b *batch) offset(n int) int64 {
	for _, it := range b.items {
		if it.verdict == meant {
			if n == 0 {
				return it.record.Offset
			}
			n--
		}
	}
	panic("redrive: a batch has failed behind its last message")
}

// tell counts and tells what became of the records below next.
func (b *batch) tell(next int64, refused map[int]error) {
	t, tell, n := &b.r.totals, b.r.cfg.Tell, 0
	for _, it := range b.items {
		if it.record.Offset >= next {
			break
		}
		if it.verdict == meant {
			if why := refused[n]; why != nil {
				it.verdict, it.why = left, fmt.Sprintf("topic %s does not take it, and later runs do not come back to it: ask for its task with `retry` (%v)", b.r.cfg.Failed, why)
			}
			n++
		}
		switch it.verdict {
		case meant:
			t.Redriven++
			tell.Meant(it.record)
		case left:
			t.Left++
			tell.Left(it.record, it.why)
		case other:
			t.Others++
		case before:
			t.Before++
		}
	}
	b.r.count(b.partition, next)
}

// rest keeps to the rate, after so many were put back. Time that was lost before is
// not made up for.
func (r *Redriver) rest(ctx context.Context, n int) error {
	if r.cfg.Rate == 0 || n == 0 {
		return nil
	}
	return r.cfg.Clock.Sleep(ctx, time.Duration(float64(n)/r.cfg.Rate*float64(time.Second)))
}
