// Package scan reads an interval of a partition once, from its beginning to its end. The
// service does not read failure events with it, but with package consumer. It keeps no
// state and starts no goroutine. Only packages history, outcomes and redrive import it.
package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"remux-retrier/consumer"
)

// Kafka is the part of the Kafka client that scan needs.
type Kafka interface {
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error)
	Span(ctx context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error)
}

// pageBytes is about the largest size of a page, unpacked.
const pageBytes = 1 << 20

// Partition calls handle with the committed records of a partition within the interval,
// page by page, in order. page.Next is the next offset to read, at most interval.To. A
// page may be empty if records were aborted or compacted. It begins with small pages,
// because a page may unpack to a much larger size.
//
// It skips records that retention deletes meanwhile. It returns the first error of Kafka
// or of handle.
func Partition(ctx context.Context, kafka Kafka, topic string, partition int, interval consumer.Interval, handle func(page consumer.Page) error) error {
	sizer, large := consumer.NewFetchSizer(pageBytes), 0
	for next := interval.From; next < interval.To; {
		page, err := kafka.Fetch(ctx, topic, partition, next, max(large, sizer.Next()))
		if errors.Is(err, consumer.ErrOffsetOutOfRange) {
			page.Next, err = first(ctx, kafka, topic, partition, next)
		}
		if err != nil {
			return err
		}
		if page.Next <= next {
			return fmt.Errorf("%s/%d now ends at %d, and before at %d: was the topic recreated?", topic, partition, page.End, interval.To)
		}
		sizer.Observe(page, true)
		if page.Next > interval.To {
			page.Next = interval.To
			beyond, _ := slices.BinarySearchFunc(page.Records, interval.To, func(r consumer.Record, at int64) int { return int(r.Offset - at) })
			page.Records = page.Records[:beyond]
		}
		large = cutAtLargeRecord(&page, large > 0)
		if err := handle(page); err != nil {
			return err
		}
		next = page.Next
	}
	return nil
}

// cutAtLargeRecord ends the page before the first large record without contents, and
// returns the size with which that record must be fetched next: then it is the only one
// in its page. tried: this page was fetched with such a size. Records that still have no
// contents cannot be read at all; consumer.LargestRecord is one reason.
func cutAtLargeRecord(page *consumer.Page, tried bool) (size int) {
	i := slices.IndexFunc(page.Records, func(r consumer.Record) bool { return r.Loadable() })
	if i < 0 || i == 0 && tried {
		return 0
	}
	page.Next, size = page.Records[i].Offset, int(page.Records[i].LeftOut.Size)
	page.Records = page.Records[:i]
	return size
}

// first returns where the partition now begins. It is an error if that is not above
// next: then next was above the partition's end.
func first(ctx context.Context, kafka Kafka, topic string, partition int, next int64) (int64, error) {
	spans, err := kafka.Span(ctx, topic, partition+1, time.Time{})
	if err != nil {
		return 0, err
	}
	if at := spans[partition].From; at > next {
		return at, nil
	}
	return 0, fmt.Errorf("read %s/%d at offset %d: %w; it ends at %d: was the topic recreated?", topic, partition, next, consumer.ErrOffsetOutOfRange, spans[partition].To)
}
