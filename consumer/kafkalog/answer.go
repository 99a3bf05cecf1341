package kafkalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// Fetch responses are read here and not by kafka-go, which unpacks every batch whole: a
// batch of a few kilobytes may unpack to gigabytes. Here a batch is read when the one
// before is finished, and unpacked record by record.

const (
	// largeBatch is above the default limit of topics, and as much as one request asks for
	// (answerBytes). Larger batches are read one at a time, over all brokers.
	largeBatch = 2 << 20
	// maxStored bounds a batch in stored bytes. A larger one is skipped.
	maxStored = 65 << 20
	// minRate is the lowest accepted transfer rate of a large batch, in bytes per second.
	minRate = 1 << 20
)

// fetchRequest is a request and the parts that it asks for.
type fetchRequest struct {
	*fetch.Request
	parts []*part
}

// fetchResponse is its answer. found has an element for each part.
type fetchResponse struct {
	fetch.Response // without its Topics
	found          []partResponse
}

// partResponse is the answer for one part.
type partResponse struct {
	known   bool  // the broker has answered for this part
	code    int16 // Kafka's error code
	brought bool  // there were batches
	pager
	err error // it cannot be read
}

// exchangeFetch sends a request and reads its answer.
func (l *Client) exchangeFetch(wire *wire, version int16, f *fetchRequest) (*fetchResponse, error) {
	if version < 4 {
		return nil, errors.New("the broker is older than Kafka 0.11")
	}
	id := l.correlation.Add(1)
	if err := protocol.WriteRequest(wire, version, id, l.cfg.ClientID, f.Request); err != nil {
		return nil, err
	}
	r := &reader{wire: wire, left: 4, version: version, client: l}
	r.left = int(r.int32())
	if got := r.int32(); r.err == nil && got != id {
		return nil, fmt.Errorf("the broker answers request %d, not %d", got, id)
	}
	answer := &fetchResponse{found: make([]partResponse, len(f.parts))}
	answer.ThrottleTimeMs = r.int32()
	if version >= 7 {
		answer.ErrorCode, answer.SessionID = r.int16(), r.int32()
	}
	next := 0 // brokers answer in the order of the request
	for range r.count() {
		topic := r.string()
		for range r.count() {
			next = r.partition(topic, f.parts, answer.found, next)
		}
	}
	r.discard(r.left)
	return answer, r.err
}

// reader reads the remaining bytes of a response. After its first error every value is 0.
type reader struct {
	wire    *wire
	client  *Client
	version int16
	left    int
	err     error
	buf     [headerSize]byte
}

// partition reads the answer for one partition and returns the index of the part after it.
func (r *reader) partition(topic string, parts []*part, all []partResponse, next int) int {
	id, code := r.int32(), r.int16()
	high, stable := r.int64(), r.int64()
	if r.version >= 5 {
		r.int64() // start of the log
	}
	var aborted []fetch.ResponseTransaction
	for range r.count() {
		aborted = append(aborted, fetch.ResponseTransaction{ProducerID: r.int64(), FirstOffset: r.int64()})
	}
	if r.version >= 11 {
		r.int32() // preferred replica
	}
	size := int(max(0, r.int32()))
	if size > r.left {
		r.fail(fmt.Errorf("batches of %d bytes in an answer that has %d left", size, r.left))
	}
	at := next
	for i := range parts {
		if at = (next + i) % len(parts); parts[at].topic == topic && parts[at].partition == id {
			break
		}
	}
	if r.err != nil || parts[at].topic != topic || parts[at].partition != id || all[at].known {
		r.discard(size)
		return next
	}
	all[at] = partResponse{known: true, code: code, pager: newPager(parts[at], high, stable, aborted)}
	r.batches(&all[at], size)
	return at + 1
}

// batches reads a partition's batches. An unreadable one is an error of this partition only
// if nothing before it can be read.
func (r *reader) batches(f *partResponse, size int) {
	end := r.left - size
	if f.stable < 0 {
		f.err = fmt.Errorf("the broker's answer has a last stable offset of %d", f.stable)
	}
	for r.err == nil && f.err == nil && !f.full && r.left-end > 0 {
		complete, err := r.batch(&f.pager, r.left-end)
		f.brought = f.brought || complete || err != nil
		if err != nil && f.page.Next == f.from {
			f.err = err
		}
		if err != nil || !complete {
			break
		}
	}
	if f.brought && f.err == nil && f.page.Next == f.from {
		f.err = fmt.Errorf("the broker's answer ends below offset %d", f.from)
	}
	// The broker reads the end before it reads the records.
	f.page.End = max(f.page.End, f.page.Next)
	r.discard(r.left - end)
}

// batch reads one batch of at most room bytes. The last batch of a response may be
// truncated.
func (r *reader) batch(p *pager, room int) (complete bool, err error) {
	if room < headerSize {
		if p.page.Next == p.from {
			return false, fmt.Errorf("a batch of %d bytes", room)
		}
		return false, nil
	}
	var h header
	r.full(h[:])
	if r.err != nil {
		return false, nil
	}
	size := int(h.length()) - (headerSize - lengthEnd)
	switch {
	case h.magic() != 2:
		return false, fmt.Errorf("a batch of format %d cannot be read: Kafka 0.11 and later write 2", h.magic())
	case size < 0:
		return false, fmt.Errorf("a batch of %d bytes", h.length())
	case size > room-headerSize:
		return false, nil
	}
	if err := p.begin(&h); err != nil {
		return false, err
	}
	if size > largeBatch {
		if !r.client.large.take(r.client.closed) {
			return false, r.client.closed.Err()
		}
		defer r.client.large.release()
		_ = r.wire.SetDeadline(time.Now().Add(fetchTimeout + time.Duration(size/minRate)*time.Second))
	}
	sum := crc32.New(castagnoli)
	_, _ = sum.Write(h[crcEnd:])
	var body []byte
	if size > maxStored {
		_, err := io.CopyN(sum, r, int64(size))
		r.fail(err)
	} else {
		body = make([]byte, size)
		r.full(body)
		_, _ = sum.Write(body)
	}
	switch {
	case r.err != nil:
		return false, nil
	case sum.Sum32() != h.crc():
		return false, fmt.Errorf("batch at offset %d: its checksum is wrong", h.base())
	}
	if err := p.read(r.client, &h, body); err != nil {
		return true, fmt.Errorf("batch at offset %d: %w", h.base(), err)
	}
	return true, nil
}

// fail notes the first error.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Read reads the remaining bytes, for package io.
func (r *reader) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := r.wire.Read(b[:min(len(b), r.left)])
	r.left -= n
	return n, err
}

func (r *reader) full(b []byte) {
	if _, err := io.ReadFull(r, b); err != nil {
		r.fail(err)
		clear(b)
	}
}

func (r *reader) discard(n int) {
	for n > 0 && r.err == nil {
		done, err := r.wire.Discard(n)
		r.left -= done
		n -= done
		r.fail(err)
	}
}

func (r *reader) int16() int16 { r.full(r.buf[:2]); return int16(binary.BigEndian.Uint16(r.buf[:])) }
func (r *reader) int32() int32 { r.full(r.buf[:4]); return int32(binary.BigEndian.Uint32(r.buf[:])) }
func (r *reader) int64() int64 { r.full(r.buf[:8]); return int64(binary.BigEndian.Uint64(r.buf[:])) }

// count is the length of a list; −1 for an absent one.
func (r *reader) count() int { return min(int(r.int32()), r.left) }

func (r *reader) string() string {
	n := int(r.int16())
	if n < 0 || n > r.left {
		r.fail(fmt.Errorf("a name of %d bytes", n))
		return ""
	}
	b := make([]byte, n)
	r.full(b)
	return string(b)
}
