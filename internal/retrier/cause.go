package retrier

import (
	"fmt"
	"sync"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

// cause logs why the API does not serve, if that is known. The gate knows only that it does
// not. A wrong password or missing permissions need a person to act.
type cause struct {
	gate *pace.Gate
	log  logrus.FieldLogger

	mu     sync.Mutex
	logged map[string]bool // kinds of failures logged in this outage
	advice string          // what an operator must do; empty: nothing
}

// observe notes a request's result; nil: success. Each kind of failure is logged once per
// outage, even if its messages, request ids and ports differ.
func (c *cause) observe(refusal *mpcclient.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gate.Available() {
		clear(c.logged)
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
	if !c.logged[kind] {
		c.logged[kind] = true
		c.log.Warn("cause of the MPC outage: " + refusal.Error())
	}
}
