package kafkalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"

	"remux-retrier/consumer"
)

const (
	// ackTimeout is how long the leader waits for the in-sync replicas. It must be longer
	// than the fencing of a dead replica (9 s by default): a shorter one fails writes that
	// were made, and every retry writes a duplicate.
	ackTimeout = 30 * time.Second
	// produceTimeout leaves the broker time to report the timeout.
	produceTimeout = ackTimeout + 5*time.Second

	allInSyncReplicas = -1
)

// Produce sends one batch to the partition's leader. It sends it again in two cases only:
// compressed, after the broker has refused it as too large; and once if the broker closes
// the connection on a large batch (see write), which then may be written twice. A batch
// whose context has ended may have been written.
//
// It returns the offset of the first message, or 0 without messages.
func (l *Client) Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (first int64, err error) {
	if len(messages) == 0 {
		return 0, nil
	}
	defer func() {
		if err != nil {
			first, err = 0, l.explain(fmt.Sprintf("write to %s/%d", topic, partition), "WRITE on topic "+topic, err)
		}
	}()
	leader, err := l.leader(ctx, topic, partition)
	if err != nil {
		return 0, err
	}
	size := sizeOf(messages)
	if size <= compressFrom {
		first, err = l.write(ctx, leader, topic, partition, messages, 0)
		if !errors.Is(err, kafka.MessageSizeTooLarge) && !errors.Is(err, kafka.RecordListTooLarge) {
			return first, err
		}
	}
	// The record in a large dead letter may have been compressed. If it fitted then, it
	// fits again.
	first, err = l.write(ctx, leader, topic, partition, messages, protocol.Zstd)
	if errors.Is(err, kafka.UnsupportedCompressionType) { // before Kafka 2.1
		first, err = l.write(ctx, leader, topic, partition, messages, protocol.Gzip)
	}
	return first, err
}

const (
	// compressFrom is more than a batch of outcomes contains.
	compressFrom = 768 << 10
	// hangUpFrom is the size from which a broker may reject a request by closing the
	// connection.
	hangUpFrom = 1 << 20
)

// sizeOf is an approximate size in bytes.
func sizeOf(messages []consumer.Message) (size int) {
	for _, m := range messages {
		size += len(m.Key) + len(m.Value)
		for _, h := range m.Headers {
			size += len(h.Key) + len(h.Value)
		}
	}
	return size
}

// connectionClosed reports whether the broker has closed the connection.
func connectionClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// leaderAnswers reports whether the broker that just closed a connection answers on another
// one. It would not if it had stopped.
func (l *Client) leaderAnswers(ctx context.Context, leader int32, topic string, partition int) bool {
	_, err := l.listOffsets(ctx, topic, []int{partition}, lastOffset, readUncommitted)
	now, same := l.leader(ctx, topic, partition)
	return err == nil && same == nil && now == leader
}

// write sends one request. If the broker closes the connection twice on a large one and
// otherwise answers, the request is too large.
func (l *Client) write(ctx context.Context, leader int32, topic string, partition int, messages []consumer.Message, compression protocol.Attributes) (first int64, err error) {
	for again := false; ; again = true {
		first, err = l.writeOnce(ctx, leader, topic, partition, messages, compression)
		size := sizeOf(messages)
		switch {
		case size < hangUpFrom, !connectionClosed(err), !l.leaderAnswers(ctx, leader, topic, partition):
			return first, err
		case again:
			return 0, fmt.Errorf("%w: the broker closes the connection at a message of %d bytes: its socket.request.max.bytes is smaller", kafka.MessageSizeTooLarge, size)
		}
	}
}

func (l *Client) writeOnce(ctx context.Context, leader int32, topic string, partition int, messages []consumer.Message, compression protocol.Attributes) (first int64, err error) {
	m, err := l.broker(leader).writes.send(ctx, produceTimeout, &produce.Request{
		Acks:    allInSyncReplicas,
		Timeout: int32(ackTimeout / time.Millisecond),
		Topics: []produce.RequestTopic{{
			Topic: topic,
			Partitions: []produce.RequestPartition{{
				Partition: int32(partition),
				RecordSet: protocol.RecordSet{Attributes: compression, Records: &messageReader{messages: messages}},
			}},
		}},
	})
	if err != nil {
		return 0, err
	}
	res := m.(*produce.Response)
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return 0, errors.New("the broker did not answer for this partition")
	}
	answer := res.Topics[0].Partitions[0]
	switch {
	case answer.ErrorCode != 0 && answer.ErrorMessage != "":
		return 0, fmt.Errorf("%w: %s", kafka.Error(answer.ErrorCode), answer.ErrorMessage)
	case answer.ErrorCode != 0:
		return 0, kafka.Error(answer.ErrorCode)
	}
	return answer.BaseOffset, nil
}

// messageReader lets kafka-go write messages one by one, without a second list of records.
// A returned record is valid until the next call.
type messageReader struct {
	messages   []consumer.Message
	record     protocol.Record
	key, value bytesOf
	headers    []protocol.Header
}

func (r *messageReader) ReadRecord() (*protocol.Record, error) {
	if len(r.messages) == 0 {
		return nil, io.EOF
	}
	m := &r.messages[0]
	r.messages = r.messages[1:]
	r.headers = slices.Grow(r.headers[:0], len(m.Headers))
	for _, h := range m.Headers {
		r.headers = append(r.headers, protocol.Header{Key: h.Key, Value: h.Value})
	}
	r.record = protocol.Record{Key: r.key.of(m.Key), Value: r.value.of(m.Value), Headers: r.headers}
	return &r.record, nil
}

// bytesOf implements protocol.Bytes for one slice after the other; nil stays nil.
type bytesOf struct{ bytes.Reader }

func (b *bytesOf) of(p []byte) protocol.Bytes {
	if p == nil {
		return nil
	}
	b.Reset(p)
	return b
}

func (*bytesOf) Close() error { return nil }

// countFor is how long a topic's partition count is cached for PartitionFor: asking again
// costs more than hashing the key.
const countFor = 5 * time.Second

// count is a topic's partition count at some time.
type count struct {
	all []int // 0 to n−1, as the balancer needs them
	at  time.Time
}

// PartitionFor hashes like the Java producer. Nil keys go round-robin.
func (l *Client) PartitionFor(ctx context.Context, topic string, key []byte) (int, error) {
	c := l.counts.load(topic)
	if time.Since(c.at) > countFor {
		n, err := l.Partitions(ctx, topic)
		if err != nil {
			return 0, err
		}
		c = count{all: make([]int, n), at: time.Now()}
		for i := range c.all {
			c.all[i] = i
		}
		l.counts.store(topic, c)
	}
	if key == nil {
		return int(l.keyless.Add(1) % uint64(len(c.all))), nil
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, c.all...), nil
}
