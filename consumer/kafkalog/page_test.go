package kafkalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// batch is a batch as stored in the log.
type batch struct {
	base, last int64
	producer   int64
	attributes protocol.Attributes
	count      int32
	time       int64
	records    []byte
}

func (b batch) record(offset int64, value []byte, headers ...protocol.Header) batch {
	return b.keyed(offset, nil, value, headers...)
}

func (b batch) keyed(offset int64, key, value []byte, headers ...protocol.Header) batch {
	body := binary.AppendVarint([]byte{0, 0}, offset-b.base) // no attributes, no time
	body = appendBytes(appendBytes(body, key), value)
	body = binary.AppendVarint(body, int64(len(headers)))
	for _, h := range headers {
		body = appendBytes(appendBytes(body, []byte(h.Key)), h.Value)
	}
	b.records = append(binary.AppendVarint(b.records, int64(len(body))), body...)
	b.count++
	b.last = max(b.last, offset)
	return b
}

// appendBytes appends length-prefixed bytes; the length of nil is -1.
func appendBytes(to, b []byte) []byte {
	if b == nil {
		return append(to, 1)
	}
	return append(binary.AppendVarint(to, int64(len(b))), b...)
}

// framed puts the batch header before the records.
func (b batch) framed(records []byte) []byte {
	raw := binary.BigEndian.AppendUint64(nil, uint64(b.base))
	raw = binary.BigEndian.AppendUint32(raw, uint32(headerSize-lengthEnd+len(records)))
	raw = binary.BigEndian.AppendUint32(raw, 1<<32-1) // the leader's epoch is unknown
	raw = append(raw, 2, 0, 0, 0, 0)                  // magic and checksum
	raw = binary.BigEndian.AppendUint16(raw, uint16(b.attributes))
	raw = binary.BigEndian.AppendUint32(raw, uint32(b.last-b.base))
	raw = binary.BigEndian.AppendUint64(raw, uint64(b.time))
	raw = binary.BigEndian.AppendUint64(raw, uint64(b.time))
	raw = binary.BigEndian.AppendUint64(raw, uint64(b.producer))
	raw = append(raw, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) // no epoch of the producer's, no sequence
	raw = binary.BigEndian.AppendUint32(raw, uint32(b.count))
	return sealed(append(raw, records...))
}

// bytes compresses the records as the attributes say, and adds the header.
func (b batch) bytes() []byte {
	records := b.records
	if codec := b.attributes.Compression().Codec(); codec != nil {
		var packed bytes.Buffer
		w := codec.NewWriter(&packed)
		if _, err := w.Write(records); err != nil {
			panic(err)
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
		records = packed.Bytes()
	}
	return b.framed(records)
}

// sealed sets the checksum of a batch.
func sealed(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// Batches of a page, each with one record or marker per offset.

func batchOf(producer int64, offsets ...int64) batch {
	b := batch{base: offsets[0], last: offsets[0], producer: producer}
	if producer >= 0 {
		b.attributes = protocol.Transactional
	}
	for _, o := range offsets {
		b = b.record(o, nil)
	}
	return b
}

const noProducer = -1 // the producer of records outside transactions

func markerOf(producer, offset int64, kind byte) batch {
	b := batch{base: offset, last: offset, producer: producer, attributes: protocol.Transactional | protocol.Control}
	return b.keyed(offset, []byte{0, 0, 0, kind}, nil)
}

const abort, commit = 0, 1

func pageOf(batches ...batch) (set []byte) {
	for _, b := range batches {
		set = append(set, b.bytes()...)
	}
	return set
}

// answering reads a fetch response with these batches for a part.
func answering(f *part, set []byte, txns []fetch.ResponseTransaction) *partResponse {
	l := &Client{unpacker: newUnpacker(), closed: context.Background()}
	return answeringBy(l, f, set, txns)
}

// memoryConn is a connection that has already received an answer.
type memoryConn struct {
	net.Conn
	*bytes.Reader
	written bool // requests can be written
}

func (c memoryConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }
func (c memoryConn) Write(b []byte) (int, error) {
	if !c.written {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}
func (c memoryConn) SetDeadline(time.Time) error { return nil }

func answeringBy(l *Client, f *part, set []byte, txns []fetch.ResponseTransaction) *partResponse {
	r := &reader{wire: &wire{Conn: protocol.NewConn(memoryConn{Reader: bytes.NewReader(set)}, "")}, client: l, left: len(set)}
	found := &partResponse{pager: newPager(f, 99, 99, txns)}
	r.batches(found, len(set))
	if r.err != nil && found.err == nil {
		found.err = r.err
	}
	return found
}

func TestPages(t *testing.T) {
	type txn = fetch.ResponseTransaction
	for _, row := range []struct {
		hazard  string
		from    int64
		page    []byte
		aborted []txn
		want    []int64
		next    int64
	}{
		{"nothing to read stays", 5, nil, nil, nil, 5},
		{"the first batch begins below", 6, pageOf(batchOf(noProducer, 5, 6, 7)), nil, []int64{6, 7}, 8},
		{"a gap between batches is passed", 5, pageOf(batchOf(noProducer, 5), batchOf(noProducer, 9, 11)), nil, []int64{5, 9, 11}, 12},
		{"a marker at the end is passed", 5, pageOf(batchOf(1, 5), markerOf(1, 6, commit)), nil, []int64{5}, 7},
		{"aborted records at the end are passed", 5, pageOf(batchOf(1, 5, 6)), []txn{{ProducerID: 1, FirstOffset: 5}}, nil, 7},
		{"a compacted tail is passed", 7, pageOf(compacted(batchOf(noProducer, 5, 6), 9)), nil, nil, 10},
		{"a batch that was compacted away is passed", 5, pageOf(batch{base: 5, last: 8, producer: noProducer}), nil, nil, 9},
		{
			"one producer aborts, commits, aborts", 1,
			pageOf(batchOf(1, 1), markerOf(1, 2, abort), batchOf(1, 3), markerOf(1, 4, commit), batchOf(1, 5), markerOf(1, 6, abort), batchOf(1, 7)),
			[]txn{{ProducerID: 1, FirstOffset: 1}, {ProducerID: 1, FirstOffset: 5}},
			[]int64{3, 7}, 8,
		},
		{
			"a commit marker of another producer ends nothing", 1,
			pageOf(batchOf(1, 1), batchOf(2, 2), markerOf(2, 3, commit), batchOf(1, 4), markerOf(1, 5, abort)),
			[]txn{{ProducerID: 1, FirstOffset: 1}},
			[]int64{2}, 6,
		},
		{
			"the list of aborted transactions is in any order", 1,
			pageOf(batchOf(2, 1), batchOf(1, 2), markerOf(2, 3, abort), markerOf(1, 4, abort), batchOf(2, 5)),
			[]txn{{ProducerID: 1, FirstOffset: 2}, {ProducerID: 2, FirstOffset: 1}},
			[]int64{5}, 6,
		},
		{
			"a transaction that was aborted before the page", 10,
			pageOf(batchOf(1, 10), markerOf(1, 11, abort)),
			[]txn{{ProducerID: 1, FirstOffset: 3}},
			nil, 12,
		},
		{
			"records outside transactions pass an aborted one of the same producer", 1,
			pageOf(batchOf(1, 1), batch{base: 2, last: 2, producer: 1}.record(2, nil)),
			[]txn{{ProducerID: 1, FirstOffset: 1}},
			[]int64{2}, 3,
		},
	} {
		t.Run(row.hazard, func(t *testing.T) {
			found := answering(&part{topic: "t", partition: 3, offset: row.from}, row.page, row.aborted)
			page := found.page
			if found.err != nil {
				t.Fatal(found.err)
			}
			var got []int64
			for _, r := range page.Records {
				got = append(got, r.Offset)
				if r.Topic != "t" || r.Partition != 3 {
					t.Errorf("a record of %s/%d", r.Topic, r.Partition)
				}
			}
			if !slices.Equal(got, row.want) || page.Next != row.next || page.End != 99 {
				t.Errorf("offsets %v, next %d, end %d; want %v, %d, 99", got, page.Next, page.End, row.want, row.next)
			}
		})
	}
}

// compacted removes the records after the offset last, as compaction does.
func compacted(b batch, last int64) batch {
	b.last = last
	return b
}

func TestBatchesBeforeKafka011AreRefusedNotSkipped(t *testing.T) {
	old := batchOf(noProducer, 1).bytes()
	old[16] = 1
	if found := answering(&part{offset: 1}, old, nil); found.err == nil {
		t.Errorf("read %v", found.page)
	}
}

// stored is a batch of one record.
func stored(value []byte) []byte {
	return batch{producer: noProducer}.record(0, value).bytes()
}

// The buffer of a page is reused for the next page.
func TestRecordsKeepTheirBytesWhenTheNextPageComes(t *testing.T) {
	for _, codec := range []protocol.Attributes{0, protocol.Gzip, protocol.Snappy, protocol.Lz4, protocol.Zstd} {
		read := func(value []byte) []byte {
			b := batch{producer: noProducer, attributes: codec}.record(0, value, protocol.Header{Key: "k", Value: value}).record(1, value)
			found := answering(&part{}, b.bytes(), nil)
			if found.err != nil || len(found.page.Records) != 2 || !bytes.Equal(found.page.Records[0].Headers[0].Value, value) {
				t.Fatal(codec, found.page, found.err)
			}
			return found.page.Records[0].Value
		}
		first := read(bytes.Repeat([]byte("1"), 1000))
		for range 100 {
			read(bytes.Repeat([]byte("2"), 1000))
		}
		if !bytes.Equal(first, bytes.Repeat([]byte("1"), 1000)) {
			t.Errorf("%v: the first page's record now reads %q", codec, first)
		}
	}
}

func TestADamagedBatchIsAnError(t *testing.T) {
	text := stored([]byte("payload"))
	i := bytes.Index(text, []byte("payload"))
	text[i] ^= 1
	if found := answering(&part{}, text, nil); found.err == nil {
		t.Error("a batch with a wrong checksum was read")
	}
}

func TestWhatStandsBeforeADamagedBatchIsRead(t *testing.T) {
	bad := batchOf(noProducer, 6).bytes()
	bad[len(bad)-1] ^= 1
	found := answering(&part{offset: 5}, append(batchOf(noProducer, 5).bytes(), bad...), nil)
	if found.err != nil || len(found.page.Records) != 1 || found.page.Next != 6 {
		t.Errorf("%+v, %v", found.page, found.err)
	}
	if found = answering(&part{offset: 6}, bad, nil); found.err == nil {
		t.Error("a batch with a wrong checksum was read")
	}
}

func TestABatchThatIsCutOffAtTheEndOfAnAnswerComesNextTime(t *testing.T) {
	whole := batchOf(noProducer, 5).bytes()
	for cut := range batchOf(noProducer, 6).bytes() {
		found := answering(&part{offset: 5}, append(slices.Clone(whole), batchOf(noProducer, 6).bytes()[:cut]...), nil)
		if found.err != nil || found.page.Next != 6 {
			t.Fatalf("cut to %d bytes: next %d, %v", cut, found.page.Next, found.err)
		}
	}
}
