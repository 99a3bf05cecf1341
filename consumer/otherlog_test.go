package consumer_test

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

func TestRetentionLossIsCounted(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 10)
		w.broker.Commit(0, consumer.Position{Offset: 2, Metadata: consumer.CommitMetadata{}.Encode(2)})
		w.broker.Retain(topic, 0, 7)
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		if s := a.c.Status(); s.DataLoss != 5 {
			t.Errorf("%d lost, want 5", s.DataLoss)
		}
		a.stop()
		w.wantAnswers("0/7", "0/8", "0/9")
		if low, _ := w.committed(0); low != 10 {
			t.Errorf("committed at %d", low)
		}
	})
}

func TestALogCutBelowTheCommitIsReadFromItsBeginning(t *testing.T) {
	for name, at := range map[string]consumer.Position{
		"below the low-water mark":       {Offset: 9, Metadata: consumer.CommitMetadata{}.Encode(9)},
		"below what was answered beyond": {Offset: 2, Metadata: consumer.CommitMetadata{Called: 9, Done: []consumer.Interval{{From: 4, To: 9}}}.Encode(2)},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.append(0, 3)
				w.broker.Commit(0, at)
				a := w.start("a", nil)
				time.Sleep(3 * time.Second)
				w.append(0, 6)
				time.Sleep(3 * time.Second)
				if s := a.c.Status(); s.DataLoss == 0 {
					t.Error("the loss is not counted")
				}
				a.stop()
				w.wantOnce()
				if !w.doubted["0/0"] {
					t.Error("the events of the truncated log are not checked first")
				}
			})
		})
	}
}

func TestALogCutUnderARunningMemberIsReadFromItsBeginning(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 5)
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		w.broker.Truncate(topic, 0, 2)
		time.Sleep(5 * time.Second)
		w.append(0, 8)
		time.Sleep(5 * time.Second)
		a.stop()
		w.wantNothingPassedOver()
	})
}

// What one generation detected must reach a commit, or the next generation must know it.
func TestTheCutIsRememberedThroughGenerationsThatCommitNothing(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 5)
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.member.SetFault(failing(memlog.Commit, consumer.ErrCommitRefused))
		w.broker.Truncate(topic, 0, 2)
		time.Sleep(3 * time.Second)
		w.append(0, 20)        // the log is longer again than what is committed
		b := w.start("b", nil) // ends the generation that started over
		time.Sleep(10 * time.Second)
		a.member.SetFault(nil)
		time.Sleep(10 * time.Second)
		a.stop()
		b.stop()
		w.wantNothingPassedOver()
	})
}

func TestAReaderOutlivesATopicThatIsGoneWhenItAsksForTheBounds(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 5)
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		gone := true
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Bounds && gone {
				gone = false
				return 0, consumer.ErrUnknownTopic, nil
			}
			return 0, nil, nil
		})
		w.broker.Truncate(topic, 0, 2)
		time.Sleep(5 * time.Second)
		w.append(0, 8)
		time.Sleep(5 * time.Second)
		a.stop()
		w.wantNothingPassedOver()
	})
}

func TestNothingOfARecreatedTopicIsPassedOver(t *testing.T) {
	for name, gone := range map[string]time.Duration{
		"soon": 300 * time.Millisecond, "after seconds": 3 * time.Second, "after minutes": 5 * time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, func(w *world) {
				w.append(0, 20)
				w.append(1, 20)
				a := w.start("a", nil, latest)
				b := w.start("b", nil, latest)
				time.Sleep(5 * time.Second)
				w.append(0, 1)
				w.append(1, 1)
				time.Sleep(5 * time.Second)
				w.wantAnswers("0/20", "1/20")

				w.broker.Delete(topic)
				time.Sleep(gone)
				w.broker.Create(topic, 3)
				for p := range 3 {
					w.append(p, 100)
				}
				time.Sleep(time.Minute)
				a.stop()
				b.stop()
				w.wantNothingPassedOver()
			})
		})
	}
}

func TestATopicRecreatedWhileNoInstanceRanIsReadFromItsBeginning(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 5)
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.stop()
		w.broker.Delete(topic)
		w.broker.Create(topic, 1)
		w.append(0, 8)
		a = w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.stop()
		if n := len(w.calls()); n != 13 {
			t.Errorf("%d calls for 5 old and 8 new events", n)
		}
	})
}
