package kafkalog

import (
	"context"
	"testing"
)

// Recovery is noticed by a call that ends. A call that was cancelled is no failure.
func TestCallsWithoutRecordsAreShortAfterAFailure(t *testing.T) {
	l := alone(t, []string{"127.0.0.1:1"})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Fetch(cancelled, consumed, 0, 0, 1); err == nil || l.maxEmptyCall() != emptyCallTime {
		t.Errorf("cancelled: %v, then %v", err, l.maxEmptyCall())
	}
	if _, err := l.Fetch(soon(t), consumed, 0, 0, 1); err == nil || l.maxEmptyCall() != longFetchWait {
		t.Errorf("failed: %v, then %v", err, l.maxEmptyCall())
	}
}
