package retrier

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/mpcclient"
)

// firstFailures logs the first failed call of a task, so that operators learn of a task
// that always fails before its attempts are exhausted. An outage begins with many such
// failures, so only some are logged in a minute, and none while the circuit breaker is
// open.
type firstFailures struct {
	log logrus.FieldLogger

	mu     sync.Mutex
	minute time.Time
	logged int
}

// firstFailuresPerMinute bounds the log lines.
const firstFailuresPerMinute = 10

func (f *firstFailures) note(now time.Time, ev *event, refusal *mpcclient.Error, maxAttempts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.minute) >= time.Minute {
		f.minute, f.logged = now, 0
	}
	if f.logged++; f.logged > firstFailuresPerMinute {
		return
	}
	f.log.WithFields(logrus.Fields{
		"task_id": ev.Failure.TaskID, "partition": ev.Source.Partition, "offset": ev.Source.Offset, "max_attempts": maxAttempts,
	}).WithError(refusal).Warn("a task's call failed: it will be repeated, and each failure counts as an attempt only if MPC serves others meanwhile")
}
