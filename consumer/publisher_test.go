package consumer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

func publishing(_ context.Context, d *consumer.Delivery) error { return publish(d, answer(d)) }

func TestPublicationIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 3)
		a := w.start("a", publishing, with(failing(memlog.Produce, errors.New("not enough replicas"))))
		time.Sleep(10 * time.Minute)
		s := a.c.Status()
		if !strings.Contains(s.Problem, "not enough replicas") || s.PublishErrors == 0 {
			t.Errorf("the status says %q, %d errors", s.Problem, s.PublishErrors)
		}
		a.member.SetFault(nil)
		time.Sleep(5 * time.Second)
		w.wantOnce()
		if s := a.c.Status(); s.Problem != "" {
			t.Errorf("it is over, and the status says %q", s.Problem)
		}
		a.stop()
	})
}

func TestWhatComesWhileAWriteIsUnderWayGoesWithTheNext(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", publishing)
		time.Sleep(2 * time.Second)
		a.member.SetFault(slow(memlog.Produce, 100*time.Millisecond))
		start := time.Now()
		w.append(0, 1)
		time.Sleep(10 * time.Millisecond)
		w.append(0, 50)
		time.Sleep(time.Second)
		var when []time.Duration
		for _, r := range w.broker.Records(out) {
			when = append(when, r.Time.Sub(start))
		}
		a.stop()
		w.wantOnce()
		if when[0] != 100*time.Millisecond {
			t.Errorf("the first was written after %v, not at once", when[0])
		}
		for _, d := range when[1:] {
			if d != 200*time.Millisecond {
				t.Fatalf("the others did not go together with the next write: %v", when)
			}
		}
	})
}

func TestAMessageTooLargeHarmsNoneOfItsBatch(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.SetMaxBytes(out, 100)
		large := strings.Repeat("x", 200)
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			if d.Offset == 2 {
				return publish(d, consumer.Message{Topic: out, Value: []byte(large)})
			}
			return publish(d, answer(d))
		})
		var first sync.Once // the others wait for it, and then follow at once
		a.member.SetFault(func(op memlog.Operation) (delay time.Duration, before, after error) {
			if op == memlog.Produce {
				first.Do(func() { delay = 10 * time.Millisecond })
			}
			return delay, nil, nil
		})
		w.append(0, 5)
		time.Sleep(5 * time.Second)
		if n := len(w.broker.Records(out)); n != 4 {
			t.Errorf("%d of 4 were published beside the one too large", n)
		}
		s := a.c.Status()
		if len(s.Stuck) != 1 || !strings.Contains(s.Stuck[0].Problem, out) || !strings.Contains(s.Stuck[0].Problem, "max.message.bytes") {
			t.Errorf("stuck: %+v", s.Stuck)
		} else if m := s.Stuck[0]; !strings.Contains(m.Problem, consumer.ErrTooLarge.Error()) || m.Topic != out || m.Bytes != 200 || !m.TooLarge {
			t.Errorf("stuck: %+v, with the answer to another message of the batch", s.Stuck)
		}
		if low, _ := w.committed(0); low != 2 {
			t.Errorf("%d is committed, past the one that is stuck", low)
		}
		w.broker.SetMaxBytes(out, 1000)
		time.Sleep(31 * time.Second)
		if s := a.c.Status(); len(s.Stuck) != 0 || len(w.broker.Records(out)) != 5 {
			t.Errorf("the limit was raised: stuck %+v, %d published", s.Stuck, len(w.broker.Records(out)))
		}
		if n := w.said("topic " + out + " has accepted the message of 200 bytes that it rejected before"); n != 1 {
			t.Errorf("the end is said %d times", n)
		}
		a.stop()
	})
}

// With "Kafka does not answer" an operator would look for a broker that is not down.
func TestATopicThatIsDeletedIsNamedAndWaitedFor(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error { return publish(d, answer(d)) })
		w.append(0, 1)
		time.Sleep(5 * time.Second)
		if s := a.c.Status(); len(s.Absent) > 0 {
			t.Errorf("absent: %q", s.Absent)
		}
		w.broker.Delete(out)
		w.append(0, 1)
		time.Sleep(10 * time.Second)
		if s := a.c.Status(); !slices.Equal(s.Absent, []string{out}) || s.Problem != "" || !s.Joined {
			t.Errorf("absent: %q; what it waits for: %q", s.Absent, s.Problem)
		}
		w.broker.Create(out, 1)
		time.Sleep(10 * time.Second)
		if s := a.c.Status(); len(s.Absent) > 0 || len(w.broker.Records(out)) != 1 {
			t.Errorf("created anew: absent %q, %d published", s.Absent, len(w.broker.Records(out)))
		}
		a.stop()
	})
}

func TestAlternativesAreTriedInTurn(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.SetMaxBytes(out, 100)
		w.append(0, 1)
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			of := func(n int) consumer.Message {
				return consumer.Message{Topic: out, Value: []byte(strings.Repeat("x", n))}
			}
			return publish(d, of(300), of(200), of(90), of(10))
		})
		time.Sleep(2 * time.Second)
		a.stop()
		got := w.broker.Records(out)
		if len(got) != 1 || len(got[0].Value) != 90 {
			t.Errorf("%d published", len(got))
		}
	})
}

func TestStopLeavesTheGroupLast(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		var ops []memlog.Operation
		a := w.start("a", w.caller(3*time.Second))
		time.Sleep(2 * time.Second)
		w.append(0, 1)
		time.Sleep(1100 * time.Millisecond) // between two fetches
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			ops = append(ops, op)
			return 0, nil, nil
		})
		a.kill()
		time.Sleep(time.Millisecond)
		w.append(0, 1)
		<-a.done
		answered := slices.Index(ops, memlog.Produce)
		if answered < 0 || slices.Contains(ops, memlog.Fetch) {
			t.Fatalf("the call under way was not published, or more was fetched: %v", ops)
		}
		if rest := ops[answered+1:]; !slices.Equal(rest[len(rest)-2:], []memlog.Operation{memlog.Commit, memlog.Leave}) {
			t.Errorf("after the last answer: %v", rest)
		}
		if low, m := w.committed(0); low != 1 || m.Called != 0 {
			t.Errorf("committed at %d: %+v", low, m)
		}
	})
}
