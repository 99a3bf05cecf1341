package consumer_test

import (
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

// The outcome topic is recreated with fewer partitions between the choice of a partition
// and the write.
func TestMessagesFindTheirWayToATopicThatHasFewerPartitionsNow(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.Create(out, 8)
		a := w.start("a", publishing)
		time.Sleep(2 * time.Second)
		a.beforeTheFirstWrite(func() {
			w.broker.Delete(out)
			w.broker.Create(out, 1)
		})
		for n := range 50 {
			w.broker.Append(topic, 0, consumer.Message{Key: []byte{byte('a' + n%20)}, Value: []byte("v")})
		}
		time.Sleep(time.Minute)
		if n := len(w.broker.Records(out)); n < 50 {
			t.Errorf("%d of 50 messages are written", n)
		}
		if s := a.c.Status(); len(s.Absent) > 0 || s.Problem != "" {
			t.Errorf("all is written: absent %q, problem %q", s.Absent, s.Problem)
		}
		a.stop()
	})
}

// A partition that no longer exists must not count as a topic that does not exist.
func TestAPartitionThatIsGoneIsNoTopicThatIsAbsent(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.Create(out, 8)
		a := w.start("a", publishing)
		time.Sleep(2 * time.Second)
		a.beforeTheFirstWrite(func() { w.broker.Delete(out) })
		for n := range 50 {
			w.broker.Append(topic, 0, consumer.Message{Key: []byte{byte('a' + n%20)}, Value: []byte("v")})
		}
		time.Sleep(10 * time.Second)
		if s := a.c.Status(); len(s.Absent) != 1 {
			t.Errorf("it is deleted: absent %q", s.Absent)
		}
		w.broker.Create(out, 1)
		time.Sleep(time.Minute)
		if s := a.c.Status(); len(s.Absent) > 0 || s.Problem != "" || len(w.broker.Records(out)) != 50 {
			t.Errorf("%d of 50 are written: absent %q, problem %q", len(w.broker.Records(out)), s.Absent, s.Problem)
		}
		a.stop()
	})
}

// beforeTheFirstWrite runs do once, right before the instance writes to a topic.
func (i *instance) beforeTheFirstWrite(do func()) {
	var once sync.Once
	i.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
		if op == memlog.Produce {
			once.Do(do)
		}
		return 0, nil, nil
	})
}
