package memlog

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"time"

	"remux-retrier/consumer"
)

// Fetch reads a page.
func (m *Member) Fetch(ctx context.Context, topic string, id int, offset int64, maxBytes int) (page consumer.Page, err error) {
	read := func(b *Broker) error {
		p, err := b.partition(topic, id)
		if err != nil {
			return err
		}
		page, err = p.read(offset, maxBytes)
		return err
	}
	if err = m.do(ctx, Fetch, read); err != nil || page.Next > offset {
		return page, err
	}
	b := m.b
	deadline := b.cfg.Clock.Now().Add(b.cfg.FetchWait)
	for {
		if err = m.reach(ctx); err == nil {
			err = read(b)
		}
		left := deadline.Sub(b.cfg.Clock.Now())
		if left <= 0 || page.Next > offset || err != nil {
			b.mu.Unlock()
			return page, err
		}
		w := b.listen(ctx, b.topics[topic].partitions[id])
		b.mu.Unlock()
		b.wait(w, left)
	}
}

func (p *partition) read(offset int64, maxBytes int) (consumer.Page, error) {
	if offset < p.first || offset > p.next {
		return consumer.Page{}, consumer.ErrOffsetOutOfRange
	}
	page := consumer.Page{Next: p.next, End: p.next}
	from, _ := slices.BinarySearchFunc(p.records, offset, func(r consumer.Record, at int64) int { return cmp.Compare(r.Offset, at) })
	for _, r := range p.records[from:] {
		maxBytes -= len(r.Key) + len(r.Value)
		if maxBytes < 0 && len(page.Records) > 0 {
			page.Next = r.Offset
			break
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}

// Bounds returns a partition's first offset and its next.
func (m *Member) Bounds(ctx context.Context, topic string, id int) (first, next int64, err error) {
	err = m.do(ctx, Bounds, func(b *Broker) error {
		p, err := b.partition(topic, id)
		if err == nil {
			first, next = p.first, p.next
		}
		return err
	})
	return first, next, err
}

// Ends returns the next offsets of partitions.
func (m *Member) Ends(ctx context.Context, topic string, partitions []int) ([]int64, error) {
	ends := slices.Repeat([]int64{-1}, len(partitions))
	err := m.do(ctx, Ends, func(b *Broker) error {
		for i, id := range partitions {
			p, err := b.partition(topic, id)
			if err != nil {
				return err
			}
			ends[i] = p.next
		}
		return nil
	})
	return ends, err
}

// Span returns for each of a topic's first partitions the offset of the first record not
// older than since (zero: the first record), and the partition's end.
func (m *Member) Span(ctx context.Context, topic string, partitions int, since time.Time) (spans []consumer.Interval, err error) {
	err = m.do(ctx, Span, func(b *Broker) error {
		for id := range partitions {
			p, err := b.partition(topic, id)
			if err != nil {
				return err
			}
			spans = append(spans, p.span(since))
		}
		return nil
	})
	return spans, err
}

func (p *partition) span(since time.Time) consumer.Interval {
	if since.IsZero() {
		return consumer.Interval{From: p.first, To: p.next}
	}
	for _, r := range p.records {
		if !r.Time.Before(since) {
			return consumer.Interval{From: r.Offset, To: p.next}
		}
	}
	return consumer.Interval{From: p.next, To: p.next}
}

// Produce appends a batch.
func (m *Member) Produce(ctx context.Context, topic string, id int, messages []consumer.Message) (first int64, err error) {
	m.b.mu.Lock()
	f := m.fault
	if of := m.faultOf[topicPartition{topic, id}]; of != nil {
		f = of
	}
	m.b.mu.Unlock()
	err = m.doWith(ctx, f, Produce, func(b *Broker) error {
		if _, err := b.partition(topic, id); err != nil {
			return err
		}
		size := 0
		for _, message := range messages {
			size += len(message.Key) + len(message.Value)
		}
		if limit := b.topics[topic].maxBytes; limit > 0 && size > limit {
			return consumer.ErrTooLarge
		}
		first = b.append(topic, id, b.cfg.Clock.Now(), messages)
		return nil
	})
	return first, err
}

// PartitionOf spreads keys over partitions. It is stable but not murmur2: only the test
// reads these topics.
func PartitionOf(key []byte, partitions int) int {
	h := fnv.New32a()
	_, _ = h.Write(key)
	return int(h.Sum32() % uint32(partitions))
}

// PartitionFor is PartitionOf in a topic.
func (m *Member) PartitionFor(ctx context.Context, topic string, key []byte) (id int, err error) {
	err = m.do(ctx, PartitionFor, func(b *Broker) error {
		t := b.topics[topic]
		if t == nil {
			return consumer.ErrUnknownTopic
		}
		id = PartitionOf(key, len(t.partitions))
		return nil
	})
	return id, err
}

// Partitions returns a topic's partition count.
func (m *Member) Partitions(ctx context.Context, topic string) (n int, err error) {
	err = m.do(ctx, Partitions, func(b *Broker) error {
		t := b.topics[topic]
		if t == nil {
			return consumer.ErrUnknownTopic
		}
		n = len(t.partitions)
		return nil
	})
	return n, err
}
