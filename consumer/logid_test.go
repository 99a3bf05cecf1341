package consumer_test

import (
	"testing"
	"time"
)

// A call's covers of the former log must not apply to the new one, also for an owner that
// never saw the change.
func TestALogKeepsItsNameOverOwnersAndALogCreatedAnewGetsAnother(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		run := func(name string) int64 {
			w.append(0, 3)
			a := w.start(name, nil)
			time.Sleep(3 * time.Second)
			a.stop()
			_, m := w.committed(0)
			return m.LogID
		}
		first, second := run("a"), run("b")
		if first == 0 || second != first {
			t.Errorf("the log id was %d, then %d", first, second)
		}
		w.broker.Delete(topic)
		w.broker.Create(topic, 1)
		if third := run("c"); third == 0 || third == first {
			t.Errorf("the new log's id is %d, as before", third)
		}
		w.broker.Truncate(topic, 0, 1)
		if fourth := run("d"); fourth == 0 || fourth == first {
			t.Errorf("the truncated log's id is %d", fourth)
		}
	})
}
