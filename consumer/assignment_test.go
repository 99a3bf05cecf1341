package consumer_test

import (
	"context"
	"testing"
	"time"

	"remux-retrier/consumer"
)

func TestTheLedgerMustReadAllUnlessEveryPartitionSaysSinceWhen(t *testing.T) {
	const then = 900_000_000_000 // ms, long before the bubble's clock begins
	since := func(offset, ms int64) consumer.Position {
		return consumer.Position{Offset: offset, Metadata: consumer.CommitMetadata{Since: time.UnixMilli(ms)}.Encode(offset)}
	}
	for name, c := range map[string]struct {
		at   consumer.Position
		want int64 // 0: unknown
	}{
		"the earliest counts":  {since(2, then-1), then - 1},
		"later than the other": {since(2, then+1), then},
		"foreign commit":       {consumer.Position{Offset: 2}, 0},
		"metadata without it":  {consumer.Position{Offset: 2, Metadata: consumer.CommitMetadata{}.Encode(2)}, 0},
		"truncated metadata":   {consumer.Position{Offset: 2, Metadata: "remux1 clean since=1000000"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, func(w *world) {
				w.append(0, 5)
				w.append(1, 5)
				w.broker.Commit(0, since(1, then))
				w.broker.Commit(1, c.at)
				a := w.start("a", nil)
				time.Sleep(3 * time.Second)
				got := a.listener.last().Since
				if got.IsZero() != (c.want == 0) || (c.want > 0 && got.UnixMilli() != c.want) {
					t.Errorf("since %v", got)
				}
				a.stop()
			})
		})
	}
}

func TestAGroupWithoutACommitMustReadAll(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 5)
		w.broker.Commit(0, consumer.Position{Offset: 1, Metadata: consumer.CommitMetadata{Since: time.Now()}.Encode(1)})
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		if got := a.listener.last().Since; !got.IsZero() {
			t.Errorf("since %v", got)
		}
		a.stop()
		// The commit at its end has a Since: no event from before is unanswered.
		a = w.start("a", nil)
		time.Sleep(time.Second)
		if got := a.listener.last().Since; time.Since(got) > 10*time.Second {
			t.Errorf("since %v", got)
		}
		a.stop()
	})
}

func TestAMemberWithoutPartitionsNeedNotReadTheOutcomes(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a, b := w.start("a", nil), w.start("b", nil)
		time.Sleep(5 * time.Second)
		if got := a.listener.last(); len(got.Partitions) != 0 || got.TopicPartitions != 1 || got.Since.IsZero() {
			t.Errorf("%+v", got)
		}
		a.stop()
		b.stop()
	})
}

func TestALogFoundToBeAnotherMakesTheLedgerReadAllFirst(t *testing.T) {
	for name, cut := range map[string]func(w *world){
		"while it is read": func(w *world) { w.broker.Truncate(topic, 0, 2) },
		"between": func(w *world) {
			w.broker.Commit(0, consumer.Position{Offset: 9, Metadata: consumer.CommitMetadata{Since: time.Now()}.Encode(9)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.append(0, 5)
				a := w.start("a", nil)
				time.Sleep(3 * time.Second)
				if name == "between" {
					a.stop()
				}
				cut(w)
				if name == "between" {
					a = w.start("a", nil)
				}
				time.Sleep(5 * time.Second)
				openings := a.listener.openings()
				if last := openings[len(openings)-1]; last.continued || !a.listener.last().Since.IsZero() {
					t.Errorf("opened %+v, assigned %+v", last, a.listener.last())
				}
				a.stop()
			})
		})
	}
}

func TestACallCoversWhatStandsInItsPartition(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		ends := make(chan int64, 1)
		a := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
			if d.Offset == 2 {
				time.Sleep(2 * time.Second)
				end, _ := d.End()
				ends <- end
			}
			return stuckHandler(ctx, d)
		})
		w.append(0, 3)
		time.Sleep(time.Second)
		w.append(0, 4)
		if got := <-ends; got != 7 {
			t.Errorf("a call covers the offsets below %d, want 7", got)
		}
		a.stop()
	})
}
