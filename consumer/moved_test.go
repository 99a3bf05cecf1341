package consumer_test

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

// The outcome topic is re-created with fewer partitions between the choice of a partition
// and the write.
func TestMessagesFindTheirWayToATopicThatHasFewerPartitionsNow(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.Create(out, 8)
		a := w.start("a", publishing)
		time.Sleep(2 * time.Second)
		recreated := false
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Produce && !recreated {
				recreated = true
				w.broker.Delete(out)
				w.broker.Create(out, 1)
			}
			return 0, nil, nil
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

// What is known of a partition that does not exist any more holds for nobody.
func TestAPartitionThatIsGoneIsNoTopicThatIsAbsent(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.Create(out, 8)
		a := w.start("a", publishing)
		time.Sleep(2 * time.Second)
		deleted := false
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Produce && !deleted {
				deleted = true
				w.broker.Delete(out)
			}
			return 0, nil, nil
		})
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
