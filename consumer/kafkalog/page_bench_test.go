package kafkalog

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"remux-retrier/events"
)

// BenchmarkPage measures reading outcomes back, per record.
func BenchmarkPage(b *testing.B) {
	const size = 500
	batch := make([]protocol.Record, size)
	for i := range batch {
		o := events.Outcome{
			Reason: events.Accepted, Attempts: 1, Source: events.Source{Topic: "remux.failed", Offset: int64(i), Time: time.UnixMilli(1_795_420_800_000)},
			Failure: events.Failure{TaskID: fmt.Sprint(538_526 + i)}, Covers: []events.Cover{{End: int64(i) + 1, LogID: 1}},
			DecidedAt: time.UnixMilli(1_795_420_801_000), Origin: events.OriginOf("remux-retrier"),
		}
		m, err := o.Encode()
		if err != nil {
			b.Fatal(err)
		}
		batch[i] = protocol.Record{Offset: int64(i), Key: protocol.NewBytes(m.Key), Value: protocol.NewBytes(m.Value)}
		for _, h := range m.Headers {
			batch[i].Headers = append(batch[i].Headers, protocol.Header(h))
		}
	}
	var stored bytes.Buffer
	set := protocol.RecordSet{Version: 2, Records: protocol.NewRecordReader(batch...)}
	if _, err := set.WriteTo(&stored); err != nil {
		b.Fatal(err)
	}
	l := &Client{unpacker: newUnpacker(), closed: context.Background()}
	b.ReportAllocs()
	for b.Loop() {
		if found := answeringBy(l, &part{topic: "remux.retried", asked: 1 << 20}, stored.Bytes()[4:], nil); found.err != nil || len(found.page.Records) != size {
			b.Fatal(len(found.page.Records), found.err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/record")
}
