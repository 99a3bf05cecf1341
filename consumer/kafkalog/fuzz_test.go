package kafkalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FuzzPage: whatever the batches hold, offsets ascend and the page goes on behind
// them.
func FuzzPage(f *testing.F) {
	f.Add(batchWith(func([]byte) {}), int64(0))
	f.Add(batchWith(func(b []byte) { b[22] = 0x20 }), int64(0))
	f.Add(batchWith(func(b []byte) { b[22] = 4 }), int64(3))
	f.Add(append(batchWith(func([]byte) {}), batchWith(func(b []byte) { b[7] = 9 })...), int64(1))
	f.Add(pageOf(batchOf(1, 1), markerOf(1, 2, abort), batchOf(1, 3), markerOf(1, 4, commit)), int64(1))
	for _, codec := range []protocol.Attributes{protocol.Gzip, protocol.Snappy, protocol.Lz4, protocol.Zstd} {
		b := batch{producer: noProducer, attributes: codec}.record(0, []byte("value"), kmsg.Header{Key: "k", Value: []byte("v")}).record(1, nil)
		f.Add(b.bytes(), int64(1))
		f.Add(bomb(f, codec, 2<<20, 3), int64(0))
	}
	f.Fuzz(func(t *testing.T, batches []byte, from int64) {
		// Nothing is read of what has a wrong checksum.
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
		if held > leastPage+usualRecord {
			t.Fatalf("%d bytes are held", held)
		}
	})
}

// FuzzAnswer: whatever a broker answers, it is read to its end or is an error.
func FuzzAnswer(f *testing.F) {
	for version := int16(4); version <= 11; version++ {
		res := kmsg.NewPtrFetchResponse()
		res.Version = version
		topic, p := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		topic.Topic, p.HighWatermark, p.LastStableOffset, p.RecordBatches = "t", 99, 99, batchWith(func([]byte) {})
		aborted := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		p.AbortedTransactions = append(p.AbortedTransactions, aborted)
		topic.Partitions = append(topic.Partitions, p)
		res.Topics = append(res.Topics, topic)
		f.Add(res.AppendTo(nil), version)
	}
	f.Fuzz(func(t *testing.T, body []byte, version int16) {
		if version < 4 || version > 11 {
			t.Skip("the client does not ask with this version")
		}
		l := &Log{large: make(limit, 1), unpacking: make(limit, 1), closed: context.Background()}
		sent := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
		sent = append(binary.BigEndian.AppendUint32(sent, 1), body...)
		parts := []*part{{topic: "t", asked: 1 << 20}, {topic: "t", partition: 1, asked: 1 << 20}}
		w := &wire{Conn: protocol.NewConn(memoryConn{Reader: bytes.NewReader(sent), written: true}, "")}
		answer, err := l.exchangeFetch(w, version, &fetching{Request: &fetch.Request{}, parts: parts})
		if err == nil && len(answer.found) != len(parts) {
			t.Fatalf("%d parts", len(answer.found))
		}
	})
}

func TestEveryVersionsAnswerIsRead(t *testing.T) {
	for version := int16(4); version <= 11; version++ {
		res := kmsg.NewPtrFetchResponse()
		res.Version, res.ThrottleMillis = version, 7
		for _, name := range []string{"t", "u"} {
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = name
			for id := range int32(3) {
				p := kmsg.NewFetchResponseTopicPartition()
				p.Partition, p.HighWatermark, p.LastStableOffset, p.PreferredReadReplica = id, 9, 8, -1
				switch id {
				case 0:
					p.RecordBatches = batchOf(1, 5).bytes()
					p.RecordBatches = append(p.RecordBatches, batchOf(noProducer, 6).bytes()...)
					aborted := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
					aborted.ProducerID, aborted.FirstOffset = 1, 5
					p.AbortedTransactions = append(p.AbortedTransactions, aborted)
				case 1:
					p.ErrorCode = 3
				}
				topic.Partitions = append(topic.Partitions, p)
			}
			res.Topics = append(res.Topics, topic)
		}
		l := &Log{large: make(limit, 1), unpacking: make(limit, 1), closed: context.Background()}
		body := res.AppendTo(nil)
		sent := binary.BigEndian.AppendUint32(nil, uint32(4+len(body)))
		sent = append(binary.BigEndian.AppendUint32(sent, 1), body...)
		parts := []*part{{topic: "u", partition: 2}, {topic: "t"}, {topic: "t", partition: 1}, {topic: "v"}}
		for i := range parts {
			parts[i].offset, parts[i].asked = 5, 1<<20
		}
		w := &wire{Conn: protocol.NewConn(memoryConn{Reader: bytes.NewReader(sent), written: true}, "")}
		answer, err := l.exchangeFetch(w, version, &fetching{Request: &fetch.Request{}, parts: parts})
		if err != nil {
			t.Fatal(version, err)
		}
		a := answer.found
		if answer.ThrottleTimeMs != 7 || a[3] != nil || a[0] == nil || a[0].brought || a[0].stable != 8 || a[2].code != 3 ||
			len(a[1].page.Records) != 1 || a[1].page.Records[0].Offset != 6 || a[1].page.Next != 7 {
			t.Errorf("version %d: %+v", version, a)
		}
	}
}
