package retrier

import (
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/mpcclient"
)

// firstFailures logs the first failed call of a task, so that one that always fails is
// known before its attempts are exhausted. An outage begins like many such tasks:
// so only some are logged in a minute, and none once MPC is known not to serve.
type firstFailures struct {
	log logrus.FieldLogger

	mu     sync.Mutex
	minute time.Time
	logged int
}

// mostFirstFailures are logged in a minute.
const mostFirstFailures = 10

func (f *firstFailures) note(now time.Time, ev *event, refusal *mpcclient.Error, maxAttempts int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.minute) >= time.Minute {
		f.minute, f.logged = now, 0
	}
	if f.logged++; f.logged > mostFirstFailures {
		return
	}
	f.log.WithFields(logrus.Fields{
		"task_id": ev.Failure.TaskID, "partition": ev.Source.Partition, "offset": ev.Source.Offset, "max_attempts": maxAttempts,
	}).WithError(refusal).Warn("a task's call failed: it is called again, and each failure counts as an attempt only if MPC serves others meanwhile")
}
