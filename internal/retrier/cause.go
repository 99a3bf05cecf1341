package retrier

import (
	"fmt"
	"sync"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

// cause says why the API does not serve, where that is known. The gate knows
// only that it does not; a wrong password or a key without rights waits for a
// person, who has to learn of it.
type cause struct {
	gate *pace.Gate
	log  logrus.FieldLogger

	mu     sync.Mutex
	said   map[string]bool // kinds of failures, in this outage
	advice string          // what somebody has to do about it; empty: nothing
}

// heard takes note of how a request ended; nil: well. Each kind of failure is
// said once in an outage, however its messages, request ids and ports differ
// from call to call.
func (c *cause) heard(refusal *mpcclient.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate.Available() {
		clear(c.said)
		c.advice = ""
		return
	}
	if refusal == nil || !refusal.Outage() {
		return
	}
	if refusal.Advice != "" {
		c.advice = refusal.Advice
	}
	kind := fmt.Sprint(refusal.Operation, refusal.Class, refusal.Status, refusal.Code)
	if !c.said[kind] {
		c.said[kind] = true
		c.log.Warn("why MPC does not serve: " + refusal.Error())
	}
}
