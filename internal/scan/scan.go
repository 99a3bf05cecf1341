// Package scan reads a stretch of a partition to its end, once. It is what the
// commands read topics with; the service itself reads by package consumer. It
// keeps no state and starts no goroutine.
package scan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"remux-retrier/consumer"
)

// Log is what reading asks of Kafka.
type Log interface {
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error)
	Span(ctx context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error)
}

// pageBytes is how much a page may hold, about, unpacked.
const pageBytes = 1 << 20

// Partition hands over the committed records of a partition within the stretch,
// page by page, in order. page.Next is where the partition goes on, at most
// stretch.To; a page may be empty, where records were aborted or compacted. It
// begins with small pages, since nobody knows what a page unpacks to.
//
// What retention has deleted meanwhile is passed. It ends with the first error,
// of Kafka or of each.
func Partition(ctx context.Context, log Log, topic string, partition int, stretch consumer.Interval, each func(page consumer.Page) error) error {
	sizer, large := consumer.NewFetchSizer(pageBytes), 0
	for next := stretch.From; next < stretch.To; {
		page, err := log.Fetch(ctx, topic, partition, next, max(large, sizer.Next()))
		if errors.Is(err, consumer.ErrOffsetOutOfRange) {
			page.Next, err = first(ctx, log, topic, partition, next)
		}
		if err != nil {
			return err
		}
		if page.Next <= next {
			return fmt.Errorf("%s/%d ends at %d now, and ended at %d a moment ago: was the topic created anew?", topic, partition, page.End, stretch.To)
		}
		sizer.Observe(page, true)
		if page.Next > stretch.To {
			page.Next = stretch.To
			beyond, _ := slices.BinarySearchFunc(page.Records, stretch.To, func(r consumer.Record, at int64) int { return int(r.Offset - at) })
			page.Records = page.Records[:beyond]
		}
		large = loadable(&page, large > 0)
		if err := each(page); err != nil {
			return err
		}
		next = page.Next
	}
	return nil
}

// loadable has a page end before a large record that came without its contents, and
// gives the size with which that is to be fetched. A page with such a record comes
// with it alone. What stays without contents is beyond consumer.LargestRecord.
func loadable(page *consumer.Page, tried bool) (size int) {
	i := slices.IndexFunc(page.Records, func(r consumer.Record) bool { return r.Loadable() })
	if i < 0 || i == 0 && tried {
		return 0
	}
	page.Next, size = page.Records[i].Offset, int(page.Records[i].LeftOut.Size)
	page.Records = page.Records[:i]
	return size
}

// first is where a partition begins by now; if that is not beyond next, next was
// beyond its end.
func first(ctx context.Context, log Log, topic string, partition int, next int64) (int64, error) {
	spans, err := log.Span(ctx, topic, partition+1, time.Time{})
	if err != nil {
		return 0, err
	}
	if at := spans[partition].From; at > next {
		return at, nil
	}
	return 0, fmt.Errorf("read %s/%d at offset %d: %w; it ends at %d: was the topic created anew?", topic, partition, next, consumer.ErrOffsetOutOfRange, spans[partition].To)
}
