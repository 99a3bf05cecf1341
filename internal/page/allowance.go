package page

import (
	"sync"
	"time"
)

// Reading the topics may take a tenth of the time, after readingBurst without a pause:
// callers that ask all the time must not slow down the work.
const (
	readingShare = 10
	readingBurst = 5 * time.Second
)

// allowance bounds the time spent on reading topics.
type allowance struct {
	mu sync.Mutex
	// until is the time by which the time spent so far is a tenth of all.
	until time.Time
}

// due returns how long to wait before the next reading may begin; not positive: it may now.
func (a *allowance) due(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.until.Sub(now)
}

func (a *allowance) spend(now time.Time, spent time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if earliest := now.Add(-readingBurst * readingShare); a.until.Before(earliest) {
		a.until = earliest
	}
	a.until = a.until.Add(spent * readingShare)
}
