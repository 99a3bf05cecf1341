package consumer_test

import (
	"testing"
	"time"
)

// What a call has covered in the former log must not hold in the new one, also
// for an owner that never saw the change.
func TestALogKeepsItsNameOverOwnersAndALogCreatedAnewGetsAnother(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		run := func(name string) int64 {
			w.append(0, 3)
			a := w.start(name, nil)
			time.Sleep(3 * time.Second)
			a.stop()
			_, m := w.mark(0)
			return m.Log
		}
		first, second := run("a"), run("b")
		if first == 0 || second != first {
			t.Errorf("the log was called %d, then %d", first, second)
		}
		w.broker.Delete(topic)
		w.broker.Create(topic, 1)
		if third := run("c"); third == 0 || third == first {
			t.Errorf("the new log is called %d, as the one before", third)
		}
		w.broker.Truncate(topic, 0, 1)
		if fourth := run("d"); fourth == 0 || fourth == first {
			t.Errorf("the cut log is called %d", fourth)
		}
	})
}
