//go:build kafka

package e2e

import (
	"testing"
	"time"
)

func TestACompactedOutcomeTopicIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.set(r.retryFailed, "cleanup.policy", "compact,delete")
	s := r.start()
	if code := s.exitCode(20 * time.Second); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	s.waitForLog(r.retryFailed + " has cleanup.policy=compact,delete")
}

func TestOutcomesThatAreKeptForLessThanTheBudgetsWindowAreWarnedOf(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.set(r.retried, "retention.ms", "3600000")
	s := r.start("RETRY_BUDGET_WINDOW", "90m").ready()
	s.waitForLog(r.retried + " keeps records for 1h0m0s (retention.ms), but RETRY_BUDGET_WINDOW is 1h30m0s")
}
