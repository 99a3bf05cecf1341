package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"remux-retrier/internal/page"
)

// Reading the topics for the page uses a bounded share of the process and of the brokers,
// however many clients ask without pause. A client beyond that share is told so. The work
// continues.
func TestSixtyFourClientsThatReadWithoutPauseHoldUpNoEvent(t *testing.T) {
	o := operate(t, map[string]string{"MPC_REQUESTS_PER_MINUTE": "unlimited"})
	p := o.instance("retrier-0")
	const clients, events = 64, 300
	ctx, cancel := context.WithCancel(t.Context())
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var read, busy atomic.Int64
	ask := func(url string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := transport.RoundTrip(r)
		if err != nil {
			return // the test ends
		}
		defer res.Body.Close()
		var task page.Task
		if res.StatusCode != http.StatusOK || json.NewDecoder(res.Body).Decode(&task) != nil {
			return // too many requests, or the test ends
		}
		switch task.TopicsState {
		case page.TopicsRead:
			read.Add(1)
		case page.TopicsBusy:
			busy.Add(1)
		}
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for client := range clients {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				ask(fmt.Sprintf("%s/api/tasks/%d-%d", p.url, client, n)) // each request reads the topics
			}
		})
	}
	// How soon they have used up their share depends on the machine.
	p.waitFor("the topics are read for each reader", func() (bool, string) {
		return read.Load()+busy.Load() > clients, fmt.Sprintf("the topics were read for %d requests, %d were told to wait", read.Load(), busy.Load())
	})
	for n := range events {
		o.fail(fmt.Sprint("task-", n))
	}
	p.waitFor("all events are answered", func() (bool, string) {
		answered := ends(t, o.client, "remux.retried")
		return answered == events, fmt.Sprintf("%d of %d", answered, events)
	})
	if n := o.mpc.Counters(); n.Accepted != events {
		t.Errorf("MPC has retried %d tasks of %d", n.Accepted, events)
	}
	t.Logf("the topics were read for %d requests, %d were told to wait", read.Load(), busy.Load())
}
