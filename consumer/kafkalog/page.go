package kafkalog

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"remux-retrier/consumer"
)

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
		switch b := batch.(type) {
		case *protocol.ControlBatch:
			aborted.begin(b.BaseOffset)
			page.Next = max(page.Next, b.BaseOffset)
			err := eachRecord(b, func(r *protocol.Record) error {
				page.Next = max(page.Next, r.Offset+1)
				return aborted.marker(b.ProducerID, r)
			})
			if err != nil {
				return consumer.Page{}, fmt.Errorf("control batch at offset %d: %w", b.BaseOffset, err)
			}
		case *protocol.RecordBatch:
			aborted.begin(b.BaseOffset)
			page.Next = max(page.Next, b.BaseOffset)
			skip := b.Attributes.Transactional() && aborted.open[b.ProducerID]
			err := eachRecord(b, func(r *protocol.Record) error {
				page.Next = max(page.Next, r.Offset+1)
				if skip || r.Offset < from {
					return nil
				}
				rec, err := copyRecord(topic, partition, r)
				page.Records = append(page.Records, rec)
				return err
			})
			if err != nil {
				return consumer.Page{}, fmt.Errorf("batch at offset %d: %w", b.BaseOffset, err)
			}
		default:
			return consumer.Page{}, fmt.Errorf("batches of type %T, from before Kafka 0.11, cannot be read", batch)
		}
	}
	if page.Next == from && len(stream.Records) > 0 {
		// The broker returned the batch that spans the offset, and the batch
		// has no record at or above it: compaction removed its tail. kafka-go
		// does not show where the batch ends, so go on by one.
		page.Next++
	}
	return page, nil
}

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
		for _, b := range []protocol.Bytes{r.Key, r.Value} {
			if b != nil {
				b.Close()
			}
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
	var err error
	if rec.Key, err = protocol.ReadAll(r.Key); err != nil {
		return rec, fmt.Errorf("key of offset %d: %w", r.Offset, err)
	}
	if rec.Value, err = protocol.ReadAll(r.Value); err != nil {
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
