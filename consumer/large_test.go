package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
)

// bounded is a client that leaves out values of more than 100 bytes, except one that is
// fetched alone with at least its reported size. loads counts the latter.
type bounded struct {
	consumer.Client
	loads atomic.Int32
	size  int64 // as reported; 0: the real size
}

func (b *bounded) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	page, err := b.Client.Fetch(ctx, topic, partition, offset, maxBytes)
	for i := range page.Records {
		r := &page.Records[i]
		size := int64(len(r.Value))
		if size <= 100 {
			continue
		}
		if b.size > 0 {
			size = b.size
		}
		if i == 0 && int64(maxBytes) >= size && size > 1<<20 {
			b.loads.Add(1)
			page.Records, page.Next = page.Records[:1], r.Offset+1
			return page, err
		}
		*r = consumer.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time, LeftOut: &consumer.LeftOut{Size: size, Last: r.Offset}}
	}
	return page, err
}

func bounding(size int64) (*bounded, func(*consumer.Config)) {
	b := &bounded{size: size}
	return b, func(c *consumer.Config) { b.Client, c.Client = c.Client, b }
}

var big = bytes.Repeat([]byte("x"), 1000)

func TestLargeRecordsAreInMemoryOneAtATime(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		var whole, alive, most atomic.Int32
		log, option := bounding(2 << 20)
		for p := range 4 {
			w.broker.Append(topic, p, consumer.Message{Value: []byte("small")}, consumer.Message{Value: big}, consumer.Message{Value: big}, consumer.Message{Value: []byte("small")})
		}
		i := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
			if len(d.Value) == len(big) {
				whole.Add(1)
				most.Store(max(most.Load(), alive.Add(1)))
				time.Sleep(time.Second)
				alive.Add(-1)
			}
			return publish(d, consumer.Message{Topic: out, Value: []byte("x")})
		}, option)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if whole.Load() != 8 || most.Load() != 1 || log.loads.Load() != 8 {
			t.Errorf("%d came whole, %d at once, by %d fetches", whole.Load(), most.Load(), log.loads.Load())
		}
		i.stop()
	})
}

// An event that waits for days has dropped its contents.
func TestALargeEventThatWaitsHoldsUpNoOther(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		_, option := bounding(2 << 20)
		for p := range 2 {
			w.broker.Append(topic, p, consumer.Message{Value: big})
		}
		var came atomic.Int32
		i := w.start("a", nil, option, func(c *consumer.Config) { c.Handler = dropping{&came} })
		time.Sleep(10 * time.Second)
		if came.Load() != 2 {
			t.Errorf("%d came", came.Load())
		}
		i.stop()
	})
}

type dropping struct{ came *atomic.Int32 }

func (h dropping) Receive(d *consumer.Delivery) {
	if d.Value != nil {
		h.came.Add(1)
	}
	d.Key, d.Value, d.Headers = []byte("a small one"), nil, nil
}
func (dropping) Release() {}

func TestWhatIsTooLargeComesWithoutItsContentsAndIsCommitted(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		log, option := bounding(consumer.LargestRecord + 1)
		w.broker.Append(topic, 0, consumer.Message{Value: []byte("small")}, consumer.Message{Value: big}, consumer.Message{Value: []byte("small")})
		var without atomic.Int32
		i := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
			switch {
			case d.LeftOut == nil:
			case d.Value != nil || d.LeftOut.Size != consumer.LargestRecord+1:
				return errors.New("not as it should be")
			default:
				without.Add(1)
			}
			return publish(d, consumer.Message{Topic: out, Value: fmt.Append(nil, d.Offset)})
		}, option)
		time.Sleep(10 * time.Second)
		i.stop()
		at, _ := w.broker.Position(0)
		if without.Load() != 1 || log.loads.Load() != 0 || at.Offset != 3 {
			t.Errorf("%d without contents, %d loads, committed %d", without.Load(), log.loads.Load(), at.Offset)
		}
	})
}
