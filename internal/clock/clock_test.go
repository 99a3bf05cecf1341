package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

var errStopped = errors.New("stopped")

func TestSleepLastsAsLongAsItWasAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, d := range []time.Duration{-time.Second, 0, time.Nanosecond, time.Hour} {
			began := System.Now()
			if err := System.Sleep(t.Context(), d); err != nil {
				t.Errorf("%v: %v", d, err)
			}
			if took := System.Now().Sub(began); took != max(d, 0) {
				t.Errorf("slept %v instead of %v", took, d)
			}
		}
	})
}

func TestSleepEndsWithTheCauseOfItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errStopped) })
		began := System.Now()
		if err := System.Sleep(ctx, time.Hour); !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
		if took := System.Now().Sub(began); took != time.Second {
			t.Errorf("ended after %v", took)
		}
		// Then not even a wait of zero succeeds, so that a loop of such waits ends.
		if err := System.Sleep(ctx, 0); !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRingEndsThePresentWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Alarm
		time.AfterFunc(time.Second, a.Ring)
		began := time.Now()
		a.Wait(t.Context(), System, time.Hour)
		if took := time.Since(began); took != time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

func TestRingBeforeAWaitIsNotLostAndCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a Alarm
		a.Ring()
		a.Ring()
		for i, want := range []time.Duration{0, time.Minute} {
			began := time.Now()
			a.Wait(t.Context(), System, time.Minute)
			if took := time.Since(began); took != want {
				t.Errorf("wait %d: %v, want %v", i, took, want)
			}
		}
	})
}

func TestRingThatRacesWithAWaitIsNeverLost(t *testing.T) {
	var a Alarm
	const rings = 1000
	seen, stop := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stop)
		for range rings {
			a.Ring()
			<-seen
		}
	}()
	for range rings {
		a.Wait(t.Context(), System, time.Minute)
		seen <- struct{}{}
	}
	<-stop
}

func TestAlarmEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var a Alarm
		began := time.Now()
		a.Wait(ctx, System, time.Hour)
		if took := time.Since(began); took != time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

func TestTimeoutIsTheContextsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithTimeout(t.Context(), System, time.Second)
		defer cancel()
		began := time.Now()
		<-ctx.Done()
		if took := time.Since(began); took != time.Second || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, context.Cause(ctx))
		}
	})
}

func TestTimeoutThatIsCancelledLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithTimeout(t.Context(), System, time.Hour)
		began := time.Now()
		cancel()
		<-ctx.Done()
		synctest.Wait() // and TestMain and the bubble's own end
		if !errors.Is(context.Cause(ctx), context.Canceled) || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), context.Cause(ctx))
		}
	})
}
