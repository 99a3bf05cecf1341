package retrier

import (
	"fmt"
	"strings"
	"time"

	"remux-retrier/mpcclient"
)

// troubleAfter is the backoff above which failing queries are logged.
const troubleAfter = 4 * time.Second

// permissionCheck is how long no query is sent after MPC has not permitted one.
const permissionCheck = 10 * time.Minute

// backOff is how long the requests of a failed query wait. The time grows if only queries
// fail. While the API serves no task, the gate spaces the attempts.
func (b *statusBatcher) backOff(batch []*statusRequest, refusal *mpcclient.Error) time.Duration {
	wait := longestBackoff
	for _, one := range batch {
		if refusal.Class == mpcclient.Throttled || !b.cfg.Gate.Available() {
			one.failures.Reset()
			one.failed = 0
		}
		one.failed++
		wait = min(wait, one.failures.Next())
		// While others are served, the API may fail because of one odd id in the query.
		// That one must not delay the others.
		one.alone = one.alone || one.failed > 1
	}
	if wait > troubleAfter {
		b.failing(refusal)
	}
	return wait
}

// failing logs that queries fail, unless no event waits for their answer any more.
func (b *statusBatcher) failing(refusal *mpcclient.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted > 0 {
		b.trouble.Problem(strings.TrimSpace(fmt.Sprintf("task state queries fail while retries work (%s, %s); events that need a state wait. %s",
			refusal.Class, answerOf(refusal), refusal.Advice)))
	}
}

// disable answers that states cannot be queried, and sends no query for a while: each would
// cost quota and tell nothing.
func (b *statusBatcher) disable(batch []*statusRequest, refusal *mpcclient.Error) {
	// The refusal's own text contains a request id and would be logged again each time.
	b.forbidden.Problem(fmt.Sprintf("MPC's state query is not permitted (%s); refused retries are answered without it: grant the permission "+mpcclient.PermissionQuery, answerOf(refusal)))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disabledUntil = b.cfg.Clock.Now().Add(permissionCheck)
	for _, one := range append(batch, b.waiting...) {
		for _, each := range append(one.others, one) {
			each.answer(unknown)
		}
	}
	b.waiting = nil
}

// answerOf is MPC's answer to a query in words, such as "HTTP 403 APIGW.0302".
func answerOf(refusal *mpcclient.Error) string {
	switch {
	case refusal.Status == 0:
		return "no answer"
	case refusal.Code == "":
		return fmt.Sprintf("HTTP %d", refusal.Status)
	}
	return fmt.Sprintf("HTTP %d %s", refusal.Status, refusal.Code)
}
