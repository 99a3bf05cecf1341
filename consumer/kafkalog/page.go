package kafkalog

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"remux-retrier/consumer"
)

// readPage is decodePage for answers that nobody vouches for: where one cannot be
// read, that is an error of its fetch alone.
func readPage(topic string, partition int, from int64, answer *fetch.ResponsePartition) (page consumer.Page, err error) {
	defer func() {
		if p := recover(); p != nil {
			page, err = consumer.Page{}, fmt.Errorf("the broker's answer cannot be read: %v", p)
		}
	}()
	if answer.LastStableOffset < 0 {
		return page, fmt.Errorf("the broker's answer has a last stable offset of %d", answer.LastStableOffset)
	}
	return decodePage(topic, partition, from, answer)
}

// decodePage turns a broker's answer to a fetch from an offset into the
// committed records at or above it. A broker answers with whole batches: the
// first may begin below the offset, and batches of aborted transactions and
// their markers come along.
func decodePage(topic string, partition int, from int64, answer *fetch.ResponsePartition) (consumer.Page, error) {
	page := consumer.Page{Next: from, End: answer.LastStableOffset}
	stream, ok := answer.RecordSet.Records.(*protocol.RecordStream)
	if !ok {
		return page, nil // nothing up to the last stable offset
	}
	aborted := newAborted(answer.AbortedTransactions)
	for _, batch := range stream.Records {
		var base int64
		var each func(*protocol.Record) error
		switch b := batch.(type) {
		case *protocol.ControlBatch:
			base = b.BaseOffset
			each = func(r *protocol.Record) error { return aborted.marker(b.ProducerID, r) }
			aborted.begin(base)
		case *protocol.RecordBatch:
			base = b.BaseOffset
			aborted.begin(base)
			skip := b.Attributes.Transactional() && aborted.open[b.ProducerID]
			each = func(r *protocol.Record) error {
				if skip || r.Offset < from {
					return nil
				}
				rec, err := copyRecord(topic, partition, r)
				page.Records = append(page.Records, rec)
				return err
			}
		default:
			return consumer.Page{}, fmt.Errorf("batches of type %T, from before Kafka 0.11, cannot be read", batch)
		}
		if base < 0 || base > answer.HighWatermark+farBeyond {
			return consumer.Page{}, fmt.Errorf("the broker's answer has a batch at offset %d, of %d", base, answer.HighWatermark)
		}
		next := base
		err := eachRecord(batch, func(r *protocol.Record) error {
			if r.Offset < next || r.Offset-base > math.MaxInt32 {
				return fmt.Errorf("a record at offset %d, where at least %d was due", r.Offset, next)
			}
			next = r.Offset + 1
			return each(r)
		})
		if err != nil {
			return consumer.Page{}, fmt.Errorf("batch at offset %d: %w", base, err)
		}
		page.Next = max(page.Next, next)
	}
	if page.Next == from && len(stream.Records) > 0 {
		// The broker returned the batch that spans the offset, and the batch
		// has no record at or above it: compaction removed its tail. kafka-go
		// does not show where the batch ends, so go on by one.
		page.Next++
	}
	// The broker looks at the end before it reads.
	page.End = max(page.End, page.Next)
	return page, nil
}

// farBeyond is more than can be written to a partition while it is being read:
// a batch further beyond its end is none of it.
const farBeyond = 1 << 24

// eachRecord hands over a batch's records, each valid until f returns, and gives
// their memory back to kafka-go.
func eachRecord(batch protocol.RecordReader, f func(*protocol.Record) error) error {
	for {
		r, err := batch.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = f(r)
		if r.Key != nil {
			r.Key.Close()
		}
		if r.Value != nil {
			r.Value.Close()
		}
		if err != nil {
			return err
		}
	}
}

// copyRecord takes a record out of its page, whose memory is shared by all its
// records: one that waits for long must not hold the others.
//
// Time is the producer's, also where the topic has
// message.timestamp.type=LogAppendTime: kafka-go does not show the broker's.
func copyRecord(topic string, partition int, r *protocol.Record) (consumer.Record, error) {
	rec := consumer.Record{Topic: topic, Partition: partition, Offset: r.Offset, Time: r.Time}
	size := 0
	for _, b := range [...]protocol.Bytes{r.Key, r.Value} {
		if b != nil {
			size += b.Len()
		}
	}
	memory := make([]byte, size)
	var err error
	if rec.Key, memory, err = readBytes(r.Key, memory); err != nil {
		return rec, fmt.Errorf("key of offset %d: %w", r.Offset, err)
	}
	if rec.Value, _, err = readBytes(r.Value, memory); err != nil {
		return rec, fmt.Errorf("value of offset %d: %w", r.Offset, err)
	}
	if len(r.Headers) > 0 {
		rec.Headers = make([]consumer.Header, len(r.Headers))
	}
	for i, h := range r.Headers { // kafka-go allocates each header by itself
		rec.Headers[i] = consumer.Header(h)
	}
	return rec, nil
}

// readBytes reads all of b into the beginning of memory; nil stays nil.
func readBytes(b protocol.Bytes, memory []byte) (read, rest []byte, err error) {
	if b == nil {
		return nil, memory, nil
	}
	n := b.Len()
	_, err = io.ReadFull(b, memory[:n])
	return memory[:n:n], memory[n:], err
}

// aborted follows which producers are inside an aborted transaction, batch by
// batch. Ahead are those that begin further on, by offset: a producer may have
// several in one page, so each entry holds from its beginning to its marker.
type aborted struct {
	ahead []fetch.ResponseTransaction
	open  map[int64]bool // by producer id
}

func newAborted(txns []fetch.ResponseTransaction) *aborted {
	ahead := slices.Clone(txns)
	slices.SortFunc(ahead, func(a, b fetch.ResponseTransaction) int {
		return int(min(1, max(-1, a.FirstOffset-b.FirstOffset)))
	})
	return &aborted{ahead: ahead, open: map[int64]bool{}}
}

// begin opens the transactions that have begun at a batch's base offset.
func (a *aborted) begin(base int64) {
	for len(a.ahead) > 0 && a.ahead[0].FirstOffset <= base {
		a.open[a.ahead[0].ProducerID] = true
		a.ahead = a.ahead[1:]
	}
}

// marker reads a control record: its key is a version and a type, two bytes
// each, and type 0 ends an aborted transaction.
func (a *aborted) marker(producerID int64, r *protocol.Record) error {
	c, err := protocol.ReadControlRecord(r)
	if err != nil {
		return err
	}
	if c.Type == 0 {
		delete(a.open, producerID)
	}
	return nil
}
