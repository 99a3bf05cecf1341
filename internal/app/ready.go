package app

import (
	"fmt"
	"strings"
	"sync/atomic"

	"remux-retrier/consumer"
	"remux-retrier/internal/admin"
	"remux-retrier/internal/retrier"
)

// readiness answers /readyz from what the rooms know at the moment.
type readiness struct {
	startUp  *startUp
	consumer atomic.Pointer[consumer.Consumer]
	retrier  atomic.Pointer[retrier.Retrier]
}

func (r *readiness) checks() []admin.Check {
	return []admin.Check{
		{Name: "brokers", Func: r.brokers},
		{Name: "group", Func: r.group},
		{Name: "publishing", Func: r.publishing},
	}
}

// notes are what somebody should do about MPC. They make nobody unready: MPC is
// away for all instances alike, and a restart would not bring it back.
func (r *readiness) notes() []string {
	if d := r.retrier.Load(); d != nil {
		if advice := d.Advice(); advice != "" {
			return []string{advice}
		}
	}
	return nil
}

func (r *readiness) brokers() (bool, string) {
	c := r.consumer.Load()
	if c == nil {
		return false, orElse(r.startUp.waiting.Text(), "starting")
	}
	s := c.Status()
	if s.Problem != "" {
		return false, s.Problem
	}
	for _, p := range s.Partitions {
		if p.Problem != "" {
			return false, fmt.Sprintf("partition %d: %s", p.Partition, p.Problem)
		}
	}
	return true, ""
}

func (r *readiness) group() (bool, string) {
	c := r.consumer.Load()
	if c == nil {
		return false, "starting"
	}
	s := c.Status()
	if !s.Joined {
		return false, "has not joined the consumer group, or the group rebalances"
	}
	return true, fmt.Sprintf("generation %d, %d partitions", s.Generation, len(s.Partitions))
}

func (r *readiness) publishing() (bool, string) {
	c := r.consumer.Load()
	if c == nil {
		return true, ""
	}
	stuck := c.Status().Stuck
	return len(stuck) == 0, strings.Join(stuck, "; ")
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
