package redrive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/redrive"
)

func TestKeyValueAndHeadersComeBackAsTheyWere(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		headers := []events.Header{{Key: "twice", Value: []byte("1")}, {Key: "nil"}, {Key: "twice", Value: []byte("2")},
			{Key: "dead-letter-topic", Value: []byte("the producer's own")}, {Key: "dead-letter-count", Value: []byte("9")}, {Key: "last"}}
		whole := letter(events.NotJSON, "k", "{", headers...)
		keyless := letter(events.Tombstone, "", "")
		keyless.Key, keyless.Value = nil, nil
		w.dead(0, whole, keyless)
		w.must(nil)
		for _, r := range w.b.Records(failed) {
			if r.Value == nil {
				if r.Key != nil {
					t.Errorf("a key appeared: %q", r.Key)
				}
				continue
			}
			want := append(slices.Clone(headers), events.Header{Key: "dead-letter-count", Value: []byte("1")})
			same := slices.EqualFunc(r.Headers, want, func(a consumer.Header, b events.Header) bool {
				return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
			})
			if string(r.Key) != "k" || string(r.Value) != "{" || !same {
				t.Errorf("%q %q %q", r.Key, r.Value, r.Headers)
			}
		}
		if n := len(w.b.Records(failed)); n != 2 {
			t.Errorf("%d records, want 2", n)
		}
	})
}

func TestARecordGoesBackWhereItStood(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		letterOf := func(partition string) consumer.Message {
			m := letter(events.NoTaskID, "k", partition)
			for i, h := range m.Headers {
				if h.Key == "dead-letter-partition" {
					m.Headers[i].Value = []byte(partition)
				}
			}
			return m
		}
		w.dead(0, letterOf("0"), letterOf("1"), letterOf("7"))
		if totals := w.must(nil); totals.Redriven != 3 {
			t.Errorf("%+v", totals)
		}
		for _, r := range w.b.Records(failed) {
			if value := string(r.Value); value != "7" && value != fmt.Sprint(r.Partition) {
				t.Errorf("what was in %s is in %d", value, r.Partition)
			}
		}
	})
}

func TestASecondRunRepeatsNothing(t *testing.T) {
	inWorld(t, 3, func(w *world) {
		for p := range 3 {
			w.many(p, 250)
		}
		if n := w.must(nil).Redriven; n != 750 {
			t.Errorf("redriven: %d", n)
		}
		if again := w.must(nil); again.Redriven != 0 {
			t.Errorf("again: %+v", again)
		}
		w.dead(1, letter(events.NoTaskID, "k", "later"))
		if later := w.must(nil); later.Redriven != 1 || later.Of != 751 || later.Read != 751 {
			t.Errorf("later: %+v", later)
		}
	})
}

func TestAnInterruptedRunGoesOnWhereItLeftOff(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.many(0, 450)
		ctx, cancel := context.WithCancel(context.Background())
		e := &recorder{onProgress: func(t redrive.Totals) {
			if t.Redriven >= 200 {
				cancel()
			}
		}}
		totals, err := w.run(ctx, e, nil)
		if !errors.Is(err, context.Canceled) || totals.Redriven < 200 || totals.Redriven >= 300 {
			t.Errorf("interrupted: %+v, %v", totals, err)
		}
		if n := len(w.b.Records(failed)); n != totals.Redriven {
			t.Errorf("%d records were written before the end", n)
		}
		w.must(nil)
		w.want(numbers(450))
	})
}

func TestItsOwnOutputIsNotRedriven(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 300)
		// A running service makes all of them dead letters again at once.
		e := &recorder{onProgress: func(redrive.Totals) { w.dead(0, letter(events.NoTaskID, "k", "again")) }}
		if _, err := w.run(context.Background(), e, nil); err != nil {
			t.Fatal(err)
		}
		w.want(numbers(300))
	})
}

func TestWhatCameBackTwiceIsLeft(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.dead(0, letter(events.NoTaskID, "k", "twice", events.Header{Key: "dead-letter-count", Value: []byte("1")}),
			letter(events.NoTaskID, "k", "once"))
		e := &recorder{}
		totals, err := w.run(context.Background(), e, nil)
		if err != nil || totals.Skipped != 1 || len(e.skipped) != 1 || !strings.Contains(e.skipped[0], "twice: it came back: it has been a dead letter 2 times") {
			t.Errorf("%+v, %v, %q", totals, err, e.skipped)
		}
		w.want([]string{"once"})
	})
}

func TestWhatIsNoDeadLetterOfThisTopicIsLeft(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		foreign := letter(events.NoTaskID, "k", "foreign")
		for i, h := range foreign.Headers {
			if h.Key == "dead-letter-topic" {
				foreign.Headers[i].Value = []byte("somebody.elses")
			}
		}
		w.dead(0, consumer.Message{Value: []byte("unknown")}, foreign, letter(events.NoTaskID, "k", "ours"))
		if totals := w.must(nil); totals.Skipped != 2 {
			t.Errorf("%+v", totals)
		}
		w.want([]string{"ours"})
	})
}

func TestADryRunChangesNothing(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 120)
		e := &recorder{}
		r, err := redrive.New(w.config(e, func(c *redrive.Config) { c.Limit = 110 }))
		if err != nil {
			t.Fatal(err)
		}
		totals, err := r.Dry(context.Background(), nil)
		if err != nil || totals.Redriven != 110 || len(e.selected) != 110 || !totals.LimitReached {
			t.Errorf("%+v, %v, %d reported", totals, err, len(e.selected))
		}
		w.want(nil)
		if at, known := w.b.Position(0); known {
			t.Errorf("committed %+v", at)
		}
	})
}

func TestTheRateIsKept(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 60)
		began := time.Now()
		w.must(func(c *redrive.Config) { c.Rate = 20 })
		if took := time.Since(began); took < 2900*time.Millisecond || took > 4*time.Second {
			t.Errorf("60 at 20 a second took %v", took)
		}
	})
}
