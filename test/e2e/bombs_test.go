//go:build kafka

package e2e

import (
	"bytes"
	"context"
	bits "encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// bomb returns a batch of count records, each with size zeros between two texts.
// The records are compressed while they are written, so that only the compressed
// batch is in memory.
func bomb(t *testing.T, at time.Time, count, size int, value func(i int) (before, after string)) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	must(t, err)
	zeros := bytes.Repeat([]byte("0"), 1<<20)
	for i := range count {
		before, after := value(i)
		start := bits.AppendVarint([]byte{0, 0}, int64(i)) // attributes, time, offset
		start = bits.AppendVarint(start, -1)               // no key
		start = bits.AppendVarint(start, int64(len(before)+size+len(after)))
		record := bits.AppendVarint(nil, int64(len(start)+len(before)+size+len(after)+1))
		_, _ = w.Write(append(append(record, start...), before...))
		for left := size; left > 0; left -= len(zeros) {
			_, _ = w.Write(zeros[:min(left, len(zeros))])
		}
		_, _ = w.Write(append([]byte(after), 0)) // no headers
	}
	must(t, w.Close())
	batch := kmsg.RecordBatch{
		Length: int32(49 + packed.Len()), PartitionLeaderEpoch: -1, Magic: 2, Attributes: 4, LastOffsetDelta: int32(count - 1),
		FirstTimestamp: at.UnixMilli(), MaxTimestamp: at.UnixMilli(), ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(count), Records: packed.Bytes(),
	}
	raw := batch.AppendTo(nil)
	bits.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// publishRaw publishes a batch as it is. Each of its records must be answered.
func (r *rig) publishRaw(partition int32, at time.Time, count int, batch []byte) []*kgo.Record {
	r.t.Helper()
	client := r.newClient(kgo.MaxVersions(kversion.V3_0_0()))
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 60_000
	topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	part.Partition, part.Records = partition, batch
	topic.Topic, topic.Partitions = r.failed, append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
	defer cancel()
	res, err := req.RequestWith(ctx, client)
	must(r.t, err)
	answer := res.Topics[0].Partitions[0]
	must(r.t, kerr.ErrorForCode(answer.ErrorCode))
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = &kgo.Record{Topic: r.failed, Partition: partition, Offset: answer.BaseOffset + int64(i), Timestamp: at}
	}
	r.addPublished(records...)
	return records
}

// A few stored kilobytes can unpack to more than a container's memory. Every
// instance would then be killed again and again, without a log line.
func TestInvariant7CompressionBombsAreAnsweredInBoundedMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a process's memory is read from /proc")
	}
	r := newRig(t, options{partitions: 4})
	for _, topic := range []string{r.failed, r.deadLetter} {
		r.limit(topic, 90<<20)
	}
	now := time.Now().Truncate(time.Millisecond)
	zeros := func(int) (string, string) { return "", "" }
	alone := r.publishRaw(0, now, 1, bomb(t, now, 1, 300e6, zeros))
	eight := r.publishRaw(1, now, 8, bomb(t, now, 8, 80e6, zeros))
	const many = 600
	r.publishRaw(2, now, many, bomb(t, now, many, 1e6, func(i int) (string, string) {
		return fmt.Sprintf(`{"task_id":"big-%d","padding":"`, i), `"}`
	}))
	byHand := r.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(80<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	random := incompressible(60e6)
	large := &kgo.Record{Partition: 3, Value: random}
	r.publishWith(byHand, large)
	var healthy []*kgo.Record
	for i := range 40 {
		rec := event(fmt.Sprintf("healthy-%d", i))
		rec.Partition = int32(i % 4)
		healthy = append(healthy, rec)
	}
	r.publishWith(byHand, healthy...)

	program, err := buildWith(t.TempDir()) // the race detector multiplies memory
	must(t, err)
	r.program = program
	began := time.Now()
	s := r.start("GOMEMLIMIT", "-").ready()
	r.waitForAnswers(r.expectedAnswers(), 120*time.Second)
	most := s.peakMemory()
	t.Logf("%d answers in %v, in %d MiB of memory at most", r.expectedAnswers(), time.Since(began), most>>20)
	if most > 450<<20 {
		t.Errorf("the service used %d MiB", most>>20)
	}
	r.finishWithoutRepeats(30 * time.Second)
	r.calledOnce(t, many+len(healthy))
	if letter := r.collector.letter(large); letter == nil || !same(letter.Value, random) {
		t.Error("the dead letter of 60 MB is not complete")
	}
	for _, rec := range append(alone, eight...) {
		letter := r.collector.letter(rec)
		if letter == nil {
			t.Fatalf("no dead letter of offset %d", rec.Offset)
		}
		h := headersOf(letter)
		if len(letter.Value) != 0 || h["dead-letter-reason"] != "too_large" || len(h["dead-letter-size"]) < len("80000000") {
			t.Errorf("the dead letter of offset %d: %q", rec.Offset, h)
		}
	}
}

// A dead letter that its topic refuses holds up the partition. One that is larger
// than any usual record does not: it is replaced by a reference to the record.
func TestALargeDeadLetterThatDoesNotFitTellsWhereTheRecordStands(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 1})
	r.limit(r.failed, 30<<20)
	client := r.newClient(kgo.ProducerBatchMaxBytes(25 << 20))
	random := incompressible(20e6)
	large := &kgo.Record{Key: []byte("k"), Value: random}
	compresses := &kgo.Record{Key: []byte("k"), Value: bytes.Repeat([]byte("not JSON"), 2<<20)}
	r.publishWith(client, large)
	r.publishWith(client, compresses, event("healthy"))
	r.start().ready()
	r.finishWithoutRepeats(60 * time.Second)
	if letter := r.collector.letter(compresses); letter == nil || !same(letter.Value, compresses.Value) {
		t.Error("the dead letter that fits when compressed is not complete")
	}
	letter := r.collector.letter(large)
	if letter == nil {
		t.Fatal("no dead letter")
	}
	if h := headersOf(letter); len(letter.Value) != 0 || h["dead-letter-size"] != "20000001" || !strings.HasPrefix(h["dead-letter-reason"], "not_") {
		t.Errorf("%d bytes, %q", len(letter.Value), h)
	}
}
