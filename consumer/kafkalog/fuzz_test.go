package kafkalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// batchWith returns a changed batch of one record, with the right checksum.
func batchWith(change func(batch []byte)) []byte {
	b := stored([]byte("value"))
	change(b)
	return sealed(b)
}

// FuzzPage: whatever the batches contain, offsets ascend and the next page starts after
// them.
func FuzzPage(f *testing.F) {
	f.Add(batchWith(func([]byte) {}), int64(0))
	f.Add(batchWith(func(b []byte) { b[22] = 0x20 }), int64(0))
	f.Add(batchWith(func(b []byte) { b[22] = 4 }), int64(3))
	f.Add(append(batchWith(func([]byte) {}), batchWith(func(b []byte) { b[7] = 9 })...), int64(1))
	f.Add(pageOf(batchOf(1, 1), markerOf(1, 2, abort), batchOf(1, 3), markerOf(1, 4, commit)), int64(1))
	for _, codec := range []protocol.Attributes{protocol.Gzip, protocol.Snappy, protocol.Lz4, protocol.Zstd} {
		b := batch{producer: noProducer, attributes: codec}.record(0, []byte("value"), protocol.Header{Key: "k", Value: []byte("v")}).record(1, nil)
		f.Add(b.bytes(), int64(1))
		f.Add(bomb(f, codec, 2<<20, 3), int64(0))
	}
	f.Fuzz(func(t *testing.T, batches []byte, from int64) {
		// Nothing is read from a batch with a wrong checksum.
		batches = bytes.Clone(batches)
		for at := 0; len(batches)-at >= headerSize; {
			size := int(int32(binary.BigEndian.Uint32(batches[at+8:]))) + lengthEnd
			if size < headerSize || size > len(batches)-at {
				break
			}
			sealed(batches[at : at+size])
			at += size
		}
		found := answering(&part{offset: from}, batches, []fetch.ResponseTransaction{{ProducerID: 1, FirstOffset: 3}})
		page := found.page
		if found.err != nil {
			return
		}
		at, held := from, 0
		for _, r := range page.Records {
			if r.Offset < at {
				t.Fatalf("offset %d after %d", r.Offset, at)
			}
			if at = r.Offset + 1; r.LeftOut != nil {
				at = r.LeftOut.Last + 1
			}
			held += len(r.Key) + len(r.Value)
		}
		if page.Next < at || page.End < page.Next {
			t.Fatalf("next %d and end %d after offset %d", page.Next, page.End, at-1)
		}
		if held > minPage+usualRecord {
			t.Fatalf("%d bytes are held", held)
		}
	})
}

// FuzzAnswer: any answer of a broker is read to its end, or is an error.
func FuzzAnswer(f *testing.F) {
	for version := int16(4); version <= 11; version++ {
		body, err := protocol.Marshal(version, fetch.Response{Topics: []fetch.ResponseTopic{{Topic: "t", Partitions: []fetch.ResponsePartition{{
			HighWatermark: 99, LastStableOffset: 99, AbortedTransactions: []fetch.ResponseTransaction{{}},
			RecordSet: protocol.RecordSet{Version: 2, Records: protocol.NewRecordReader(protocol.Record{Value: protocol.NewBytes([]byte("value"))})},
		}}}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, version)
	}
	f.Fuzz(func(t *testing.T, body []byte, version int16) {
		version = 4 + (version-4)&7 // the client asks with versions 4 to 11
		l := &Client{unpacker: newUnpacker(), closed: context.Background()}
		sent := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
		sent = append(binary.BigEndian.AppendUint32(sent, 1), body...)
		parts := []*part{{topic: "t", asked: 1 << 20}, {topic: "t", partition: 1, asked: 1 << 20}}
		w := &wire{Conn: protocol.NewConn(memoryConn{Reader: bytes.NewReader(sent), written: true}, "")}
		answer, err := l.exchangeFetch(w, version, &fetchRequest{Request: &fetch.Request{}, parts: parts})
		if err == nil && len(answer.found) != len(parts) {
			t.Fatalf("%d parts", len(answer.found))
		}
	})
}
