package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

func TestAMemberWaitsForItsTopic(t *testing.T) {
	inWorld(t, 0, func(w *world) {
		a := w.start("a", nil)
		time.Sleep(time.Hour)
		if s := a.c.Status(); s.Joined || !strings.Contains(s.Problem, "topic in") {
			t.Errorf("%+v", s)
		}
		w.broker.Create(topic, 1)
		w.append(0, 1)
		time.Sleep(5 * time.Second)
		a.stop()
		w.wantOnce()
	})
}

func TestBrokersAwayForAnHourAreSaidOnce(t *testing.T) {
	for name, away := range map[string]time.Duration{"a minute": time.Minute, "an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				a := w.start("a", nil)
				time.Sleep(5 * time.Second)
				w.append(0, 3)
				time.Sleep(5 * time.Second)
				before := w.logged(logrus.WarnLevel)
				w.broker.SetUnreachable(true)
				time.Sleep(away)
				// Once for the group, and once for each operation in flight.
				if n := w.logged(logrus.WarnLevel) - before; n < 1 || n > 3 {
					t.Errorf("%d lines", n)
					for _, e := range w.logs.AllEntries() {
						t.Log(e.Message, e.Data)
					}
				}
				if a.c.Status().Problem == "" {
					t.Error("the status names no problem")
				}
				w.broker.SetUnreachable(false)
				w.append(0, 3)
				time.Sleep(20 * time.Second)
				w.wantOnce()
				if p := a.c.Status().Problem; p != "" {
					t.Errorf("they are back, and the status says %q", p)
				}
				a.stop()
			})
		})
	}
}

func TestOffsetsWithoutRecordsArePassed(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 1)
		w.broker.Skip(topic, 0, 5)
		w.append(0, 1)
		w.broker.Skip(topic, 0, 5)
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error { return publish(d, answer(d)) })
		time.Sleep(3 * time.Second)
		a.stop()
		w.wantAnswers("0/0", "0/6")
		if low, m := w.committed(0); low != 12 || len(m.Done) != 0 {
			t.Errorf("committed at %d: %+v", low, m)
		}
	})
}

// The partition count that a member reads before it joins may be newer than the assignment,
// if an earlier join failed only for this member.
func TestPartitionsAddedRightAfterTheyWereSharedOutGetAnOwner(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		var lost atomic.Bool
		a := w.start("a", nil, with(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Join && !lost.Swap(true) {
				return 0, nil, errors.New("answer lost")
			}
			return 0, nil, nil
		}))
		synctest.Wait() // it is a member, and will count again before it joins
		if !lost.Load() {
			t.Fatal("no answer was lost")
		}
		w.broker.Create(topic, 2)
		w.append(0, 1)
		w.append(1, 1)
		time.Sleep(20 * time.Second)
		a.stop()
		w.wantOnce()
	})
}

// The quota is divided by the number of partitions. A leader that counted before some were
// added, and then assigned all, would use more than its part.
func TestTheLeaderGoesByHowManyPartitionsItSharedOut(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		b := w.start("b", nil)
		time.Sleep(10 * time.Second)
		l := &listener{low: map[int]int64{}}
		a := w.start("a", nil, with(slow(memlog.Join, time.Second)), func(c *consumer.Config) { c.Listener = l })
		time.Sleep(500 * time.Millisecond) // it has counted but not joined yet
		w.broker.Create(topic, 2)
		time.Sleep(4 * time.Second)
		if last := l.last(); !slices.Equal(last.Partitions, []int{0}) || last.TopicPartitions != 2 {
			t.Errorf("the leader owns %v of %d", last.Partitions, last.TopicPartitions)
		}
		a.stop()
		b.stop()
	})
}

// A broker that has just become the coordinator may not know all topics yet.
func TestOneStrayUnknownTopicForACommitHasNothingReadAgain(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 5)
		w.append(1, 5)
		a := w.start("a", nil)
		time.Sleep(5 * time.Second)
		var stray atomic.Bool
		stray.Store(true)
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Commit && stray.Swap(false) {
				return 0, fmt.Errorf("%w: %w", consumer.ErrCommitRefused, consumer.ErrUnknownTopic), nil
			}
			return 0, nil, nil
		})
		time.Sleep(10 * time.Second)
		w.append(0, 5)
		w.append(1, 5)
		time.Sleep(10 * time.Second)
		if s := a.c.Status(); s.Generations != 1 || s.DataLoss != 0 || s.Problem != "" {
			t.Errorf("%+v", s)
		}
		a.stop()
		w.wantOnce()
		if n := len(w.calls()); n != 20 {
			t.Errorf("%d calls for 20 events", n)
		}
	})
}

// The check sees what a reader that cannot fetch does not: the log was cut.
func TestTheCheckAfterAStrayUnknownTopicSeesALogThatWasCut(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 5)
		a := w.start("a", nil)
		time.Sleep(5 * time.Second)
		var stray atomic.Bool
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			switch {
			case op == memlog.Fetch:
				return 0, errors.New("refused"), nil
			case op == memlog.Commit && stray.Swap(false):
				return 0, fmt.Errorf("%w: %w", consumer.ErrCommitRefused, consumer.ErrUnknownTopic), nil
			}
			return 0, nil, nil
		})
		time.Sleep(5 * time.Second) // the fetch that was under way has ended
		w.broker.Truncate(topic, 0, 2)
		stray.Store(true)
		time.Sleep(10 * time.Second)
		if n := a.c.Status().Generations; n < 2 {
			t.Errorf("%d generation: the log that was cut counts as unchanged", n)
		}
		a.member.SetFault(nil)
		w.append(0, 8)
		time.Sleep(10 * time.Second)
		a.stop()
		w.wantNothingPassedOver()
	})
}
