package consumer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"remux-retrier/consumer"
)

// named is an option that gives the instance its own name.
func named(chance float64) func(*consumer.Config) {
	return func(c *consumer.Config) { c.Rand = func() float64 { return chance } }
}

// A new owner must know how many others may have sent requests for its partitions within
// the quota's window, including owners of very short generations. It must also know if a
// partition that it owned before has had another owner since.
func TestTheOwnersOfThePartitionsWithinAMinuteAreKnown(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		owners := func(i *instance) (self string, of []string) {
			a := i.listener.last()
			if len(a.Owners) == 2 && !slices.Equal(a.Owners[0], a.Owners[1]) {
				t.Errorf("the partitions' owners differ: %v", a.Owners)
			}
			return a.Self, a.Owners[0]
		}
		var names []string
		for n, after := range []time.Duration{2 * time.Second, 3 * time.Second, 70 * time.Second, 3 * time.Second} {
			i := w.start("a", nil, named(0.1+float64(n)/5))
			time.Sleep(after)
			self, of := owners(i)
			want := names
			if n == 3 { // the third stays longer than a minute
				want = names[:1]
			}
			if !slices.Equal(of, want) {
				t.Errorf("instance %d: the owners are %v, want %v", n, of, want)
			}
			names = slices.Insert(slices.Clone(names), 0, self)
			i.stop()
		}
	})
}

func TestTheOwnersOfACommitOfAnotherProgramAreNotKnown(t *testing.T) {
	inWorld(t, 3, func(w *world) {
		w.append(0, 5)
		w.append(1, 5)
		w.broker.Commit(0, consumer.Position{Offset: 1, Metadata: "reset"})
		w.broker.Commit(1, consumer.Position{Offset: 1, Metadata: consumer.CommitMetadata{}.Encode(1)}) // of an older version
		i := w.start("a", nil, named(0.1))
		time.Sleep(3 * time.Second)
		if got := i.listener.last().Owners; fmt.Sprint(got) != "map[0:[] 1:[]]" {
			t.Errorf("the owners are %v", got)
		}
		i.stop()
		i = w.start("a", nil, named(0.2))
		time.Sleep(3 * time.Second)
		a := i.listener.last()
		if len(a.Owners[0]) != 2 || len(a.Owners[1]) != 2 || a.Owners[0][1] == a.Owners[1][1] || len(a.Owners[2]) != 1 {
			t.Errorf("then they are %v, want one more for each partition with an unknown owner", a.Owners)
		}
		i.stop()
	})
}

// Consecutive generations in which the partitions stay with one owner do not extend how
// long the owner before it is listed.
func TestAFormerOwnerIsNotNamedForLongerBecauseOfRebalances(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		first := w.start("a", nil, named(0.1))
		time.Sleep(2 * time.Second)
		first.stop()
		i := w.start("a", nil, named(0.2))
		for range 3 {
			time.Sleep(30 * time.Second)
			w.broker.Rebalance()
		}
		time.Sleep(3 * time.Second)
		if a := i.listener.last(); !slices.Equal(a.Owners[0], []string{a.Self}) {
			t.Errorf("after a minute and a half of %s the owners are %v", a.Self, a.Owners[0])
		}
		i.stop()
	})
}
