package kafkalog

import (
	"testing"
	"testing/synctest"
	"time"
)

// slowOf returns how many connections count as slow.
func slowOf(n *connPool) int {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.slow
}

func end(n *connPool, c *pooledConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended(c)
}

func TestRequestIsSlowAfterAWhileAndOnlyUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newConnPool(nil, 0, 1)
		c := n.newConn(nil, nil)
		n.begin(c)
		time.Sleep(slowAfter - time.Millisecond)
		if got := slowOf(n); got != 0 {
			t.Errorf("slow before its time: %d", got)
		}
		end(n, c)
		n.begin(c)
		n.timeUp(c) // of the first request: its timer fired just before it was stopped
		if got := slowOf(n); got != 0 {
			t.Errorf("the request before makes it slow: %d", got)
		}
		time.Sleep(slowAfter)
		if got := slowOf(n); got != 1 {
			t.Errorf("slow: %d, want 1", got)
		}
		end(n, c)
		time.Sleep(time.Minute)
		if got := slowOf(n); got != 0 {
			t.Errorf("slow after its end: %d", got)
		}
	})
}

// A broker that answers nothing may have stopped: it must not get many connections.
func TestWithoutAnswersOneMoreRequestIsSlowAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newConnPool(nil, 0, 2)
		a, b := n.newConn(nil, nil), n.newConn(nil, nil)
		n.begin(a)
		n.begin(b)
		for want := range 3 {
			if got := slowOf(n); got != want {
				t.Errorf("after %d s: %d slow", want, got)
			}
			time.Sleep(slowAfter)
		}
		end(n, a)
		end(n, b)
		n.begin(a)
		n.begin(b)
		time.Sleep(slowAfter / 2)
		n.mu.Lock()
		n.lastAnswer = time.Now() // on another connection
		n.mu.Unlock()
		time.Sleep(slowAfter / 2)
		if got := slowOf(n); got != 2 {
			t.Errorf("others are answered: %d slow, want 2", got)
		}
		end(n, a)
		end(n, b)
	})
}

func TestFreeConnectionIsClosedOnlyIfItWasNotUsedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newConnPool(nil, 0, 1)
		n.open = 1
		c := n.newConn(nil, nil)
		n.putBack(c)
		for range 3 { // a request every few seconds
			time.Sleep(connIdle - time.Second)
			if got, err := n.take(t.Context()); got != c || err != nil {
				t.Fatal(got, err)
			}
			n.begin(c)
			end(n, c)
			n.putBack(c)
			n.timeUp(c) // of the time before, which was stopped too late
		}
		time.Sleep(connIdle - time.Millisecond)
		synctest.Wait()
		if len(c.end) != 0 {
			t.Error("closed before its time")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if len(c.end) != 1 || len(n.free) != 0 {
			t.Error("still open")
		}
	})
}
