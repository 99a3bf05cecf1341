package kafkalog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
)

// holdWrites makes the broker hold its next count writes until release is called. The channel
// yields a value for each write that it holds.
func holdWrites(c *kfake.Cluster, count int) (held chan struct{}, release func()) {
	held, released := make(chan struct{}, count), make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if count > 0 {
			count--
			held <- struct{}{}
			c.SleepControl(func() { <-released })
		}
		return nil, nil, false
	})
	return held, func() { close(released) }
}

// put writes a value and checks that it is where the answer says.
func (s *subject) put(t *testing.T, value string) {
	t.Helper()
	first, err := s.Produce(soon(t), produced, 0, []consumer.Message{{Value: []byte(value)}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Fetch(soon(t), produced, 0, first, 1<<10)
	if err != nil || len(page.Records) == 0 || string(page.Records[0].Value) != value {
		t.Fatalf("%q was written at offset %d; there is %+v, %v", value, first, page.Records, err)
	}
}

// giveUp starts a write, waits for a condition, and cancels the write.
func (s *subject) giveUp(t *testing.T, until func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(soon(t))
	failed := make(chan error, 1)
	go func() {
		_, err := s.Produce(ctx, produced, 0, []consumer.Message{{Value: []byte("given up")}})
		failed <- err
	}()
	until()
	cancel()
	select {
	case err := <-failed:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the write that was cancelled returned %v", err)
		}
	case <-time.After(slow):
		t.Fatal("the write that was cancelled goes on")
	}
}

func TestTheLateAnswerToACancelledWriteIsNotTakenForTheNextOnes(t *testing.T) {
	c := fakeKafka(t)
	l := member(t, c.ListenAddrs())
	l.put(t, "before")
	held, release := holdWrites(c, 1)
	l.giveUp(t, func() { <-held })
	release()
	for i := range 5 {
		l.put(t, fmt.Sprint("after ", i))
	}
}

func TestAWriteThatIsCancelledBeforeItsTurnHoldsUpNoOther(t *testing.T) {
	c := fakeKafka(t)
	l := member(t, c.ListenAddrs())
	held, release := holdWrites(c, writesAtOnce)
	answered := make(chan error, writesAtOnce)
	for range writesAtOnce {
		go func() {
			_, err := l.Produce(soon(t), produced, 0, []consumer.Message{{Value: []byte("held")}})
			answered <- err
		}()
		<-held
	}
	for range writesAtOnce { // all connections are in use
		l.giveUp(t, func() { time.Sleep(slow / 10) })
	}
	release()
	for range writesAtOnce {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	for i := range 2 * writesAtOnce {
		l.put(t, fmt.Sprint("after ", i))
	}
}
