package kafkalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"remux-retrier/consumer"
)

// header is a batch header, as written by Kafka 0.11 and later:
// https://kafka.apache.org/documentation/#recordbatch
type header [headerSize]byte

const (
	headerSize = 61
	lengthEnd  = 12 // the length counts from here
	magicAt    = 16
	crcEnd     = 21 // the checksum covers everything after it
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (h *header) base() int64     { return int64(binary.BigEndian.Uint64(h[:])) }
func (h *header) length() int32   { return int32(binary.BigEndian.Uint32(h[8:])) }
func (h *header) magic() byte     { return h[magicAt] }
func (h *header) crc() uint32     { return binary.BigEndian.Uint32(h[17:]) }
func (h *header) first() int64    { return int64(binary.BigEndian.Uint64(h[27:])) } // timestamp
func (h *header) latest() int64   { return int64(binary.BigEndian.Uint64(h[35:])) } // timestamp
func (h *header) producer() int64 { return int64(binary.BigEndian.Uint64(h[43:])) }
func (h *header) count() int32    { return int32(binary.BigEndian.Uint32(h[57:])) }

// last is the offset of the last record written, even if compaction has removed it since.
func (h *header) last() int64 {
	return h.base() + int64(int32(binary.BigEndian.Uint32(h[23:])))
}

func (h *header) attributes() protocol.Attributes {
	return protocol.Attributes(binary.BigEndian.Uint16(h[21:]))
}

// errTruncated: a record's parts exceed its length.
var errTruncated = errors.New("a record ends before it is complete")

// fields reads the parts of a record. After its end everything counts as truncated.
type fields struct {
	b         []byte
	truncated bool
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.b)
	if n <= 0 {
		f.truncated = true
		return 0
	}
	f.b = f.b[n:]
	return v
}

// bytes reads length-prefixed bytes; nil for length −1.
func (f *fields) bytes() []byte {
	n := f.varint()
	switch {
	case f.truncated || n < 0:
		return nil
	case n > int64(len(f.b)):
		f.truncated = true
		return nil
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

// start reads the start of a record: its offset and time, relative to its batch.
func (f *fields) start() (offset, after int64) {
	if len(f.b) == 0 {
		f.truncated = true
		return 0, 0
	}
	f.b = f.b[1:] // attributes, unused so far
	after = f.varint()
	return f.varint(), after
}

// startSize is the largest size of a record's start.
const startSize = 1 + 2*binary.MaxVarintLen64

// memory is what a record takes unpacked, in bytes: its length, and consumer.HeaderBytes for
// each header. For an unreadable record it is the length alone.
func memory(record []byte) int64 {
	f := fields{b: record}
	f.start()
	f.bytes()
	f.bytes()
	return int64(len(record)) + consumer.HeaderBytes*min(max(0, f.varint()), int64(len(f.b)/2))
}

// record reads a record of a batch. Unless own, b is copied: a record that waits for long
// must not keep its whole page in memory.
//
// Time is the producer's, even if the topic has message.timestamp.type=LogAppendTime.
func (p *pager) record(h *header, b []byte, own bool) (consumer.Record, error) {
	f := fields{b: b}
	delta, after := f.start()
	rec := consumer.Record{
		Topic: p.topic, Partition: p.partition, Offset: h.base() + delta, Time: time.UnixMilli(h.first() + after),
		Key: f.bytes(), Value: f.bytes(),
	}
	n := f.varint()
	if f.truncated || n < 0 || n > int64(len(f.b)/2) {
		return rec, fmt.Errorf("offset %d: %w", rec.Offset, errTruncated)
	}
	if n > 0 {
		rec.Headers = make([]consumer.Header, n)
	}
	size := len(rec.Key) + len(rec.Value)
	for i := range rec.Headers {
		key := f.bytes()
		rec.Headers[i] = consumer.Header{Key: p.name(key), Value: f.bytes()}
		size += len(rec.Headers[i].Value)
	}
	if f.truncated {
		return rec, fmt.Errorf("offset %d: %w", rec.Offset, errTruncated)
	}
	if own {
		return rec, nil
	}
	all := make([]byte, 0, size)
	keep := func(b []byte) []byte {
		if b == nil {
			return nil
		}
		from := len(all)
		all = append(all, b...)
		return all[from:len(all):len(all)]
	}
	rec.Key, rec.Value = keep(rec.Key), keep(rec.Value)
	for i := range rec.Headers {
		rec.Headers[i].Value = keep(rec.Headers[i].Value)
	}
	return rec, nil
}

// maxNames bounds how many header names a page remembers.
const maxNames = 32

// name returns a header's name as a string; most records of a page use the same names.
func (p *pager) name(b []byte) string {
	if s, ok := p.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(p.names) < maxNames {
		if p.names == nil {
			p.names = map[string]string{}
		}
		p.names[s] = s
	}
	return s
}
