package pace

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A login that IAM refuses may be tried again only minutes later. If the breaker needed
// three such answers, the outage would be detected three times as late.
func TestOneFailureThatSaysHowLongToStayAwayOpensTheBreaker(t *testing.T) {
	for name, test := range map[string]struct {
		result     Result
		retryAfter time.Duration
		opens      bool
	}{
		"failed, stay away":    {Failed, 5 * time.Minute, true},
		"failed":               {Failed, 0, false},
		"throttled, stay away": {Throttled, time.Minute, false}, // only the quota is concerned
		"served, stay away":    {Served, time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				g := owner(t, 600, 5)
				began, err := g.request(ctx, func() (Result, time.Duration) { return test.result, test.retryAfter })
				if err != nil {
					t.Fatal(err)
				}
				if g.Available() == test.opens {
					t.Fatalf("available: %v after one such answer", g.Available())
				}
				// The next request is sent when it may be, and its result counts.
				sent, err := g.request(ctx, func() (Result, time.Duration) { return Served, 0 })
				if err != nil {
					t.Fatal(err)
				}
				if sent.Sub(began) < test.retryAfter || !g.Available() {
					t.Errorf("the next request left after %v; available: %v", sent.Sub(began), g.Available())
				}
			})
		})
	}
}

// Silence is noticed long before the first call times out. That timeout is not an answer:
// it must not let the next calls go at full speed.
func TestATimeoutAfterASilenceDoesNotCloseTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newBackend()
		api.set(false, true)
		g := owner(t, 600, 50)
		began := time.Now()
		stop := g.busy(50, api.call)
		time.Sleep(30 * time.Second)
		if g.Available() {
			t.Error("the API is said to serve")
		}
		stop()
		until := within(api.sent, began, silenceAfter+time.Second/2)
		timeOuts := within(api.sent, began.Add(9500*time.Millisecond), 2*time.Second)
		if until < 15 || timeOuts > 3 {
			t.Errorf("%d calls until the silence was noticed; %d in the 2 s in which the first time out, want one a second", until, timeOuts)
		}
	})
}
