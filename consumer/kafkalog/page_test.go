package kafkalog

import (
	"bytes"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// Batches of a page, each with one record or marker per offset.

func batchOf(producer int64, offsets ...int64) *protocol.RecordBatch {
	b := &protocol.RecordBatch{BaseOffset: offsets[0], ProducerID: producer}
	if producer >= 0 {
		b.Attributes = protocol.Transactional
	}
	var records []protocol.Record
	for _, o := range offsets {
		records = append(records, protocol.Record{Offset: o})
	}
	b.Records = protocol.NewRecordReader(records...)
	return b
}

const noProducer = -1 // the producer of records outside transactions

func markerOf(producer, offset int64, kind int16) *protocol.ControlBatch {
	b := protocol.NewControlBatch(protocol.ControlRecord{Offset: offset, Type: kind})
	b.BaseOffset, b.ProducerID = offset, producer
	return b
}

const abort, commit = 0, 1

func pageOf(batches ...protocol.RecordReader) protocol.RecordSet {
	return protocol.RecordSet{Records: &protocol.RecordStream{Records: batches}}
}

func TestPages(t *testing.T) {
	type txn = fetch.ResponseTransaction
	for _, row := range []struct {
		hazard  string
		from    int64
		page    protocol.RecordSet
		aborted []txn
		want    []int64
		next    int64
	}{
		{"nothing to read stays", 5, protocol.RecordSet{}, nil, nil, 5},
		{"the first batch begins below", 6, pageOf(batchOf(noProducer, 5, 6, 7)), nil, []int64{6, 7}, 8},
		{"a gap between batches is passed", 5, pageOf(batchOf(noProducer, 5), batchOf(noProducer, 9, 11)), nil, []int64{5, 9, 11}, 12},
		{"a marker at the end is passed", 5, pageOf(batchOf(1, 5), markerOf(1, 6, commit)), nil, []int64{5}, 7},
		{"aborted records at the end are passed", 5, pageOf(batchOf(1, 5, 6)), []txn{{ProducerID: 1, FirstOffset: 5}}, nil, 7},
		{"a compacted tail is passed step by step", 7, pageOf(batchOf(noProducer, 5, 6)), nil, nil, 8},
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
			pageOf(batchOf(1, 1), &protocol.RecordBatch{BaseOffset: 2, ProducerID: 1, Records: protocol.NewRecordReader(protocol.Record{Offset: 2})}),
			[]txn{{ProducerID: 1, FirstOffset: 1}},
			[]int64{2}, 3,
		},
	} {
		t.Run(row.hazard, func(t *testing.T) {
			page, err := decodePage("t", 3, row.from, &fetch.ResponsePartition{
				LastStableOffset: 99, AbortedTransactions: row.aborted, RecordSet: row.page,
			})
			if err != nil {
				t.Fatal(err)
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

func TestBatchesBeforeKafka011AreRefusedNotSkipped(t *testing.T) {
	old := &protocol.MessageSet{Records: protocol.NewRecordReader(protocol.Record{Offset: 1})}
	if page, err := decodePage("t", 0, 1, &fetch.ResponsePartition{RecordSet: pageOf(old)}); err == nil {
		t.Errorf("read %v", page)
	}
}

// stored is a batch as it stands in the log, with its length in front.
func stored(t testing.TB, value []byte) []byte {
	t.Helper()
	set := protocol.RecordSet{Version: 2, Records: protocol.NewRecordReader(protocol.Record{Value: protocol.NewBytes(value)})}
	var buf bytes.Buffer
	if _, err := set.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// kafka-go reuses a page's memory for the next page.
func TestRecordsKeepTheirBytesWhenTheNextPageComes(t *testing.T) {
	read := func(value []byte) []byte {
		var answer fetch.ResponsePartition
		if _, err := answer.RecordSet.ReadFrom(bytes.NewReader(stored(t, value))); err != nil {
			t.Fatal(err)
		}
		page, err := decodePage("t", 0, 0, &answer)
		if err != nil {
			t.Fatal(err)
		}
		return page.Records[0].Value
	}
	first := read(bytes.Repeat([]byte("1"), 1000))
	for range 100 {
		read(bytes.Repeat([]byte("2"), 1000))
	}
	if !bytes.Equal(first, bytes.Repeat([]byte("1"), 1000)) {
		t.Errorf("the first page's record now reads %q", first)
	}
}

func TestADamagedBatchIsAnError(t *testing.T) {
	text := stored(t, []byte("payload"))
	i := bytes.Index(text, []byte("payload"))
	text[i] ^= 1
	var set protocol.RecordSet
	if _, err := set.ReadFrom(bytes.NewReader(text)); err == nil {
		t.Error("a batch with a wrong checksum was read")
	}
}
