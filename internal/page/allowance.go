package page

import (
	"sync"
	"time"
)

// Reading the topics may take a tenth of the time, after readingBurst without
// pause: whoever asks without end takes no more from the work than that.
const (
	readingShare = 10
	readingBurst = 5 * time.Second
)

// allowance is how much time may be spent on reading.
type allowance struct {
	mu sync.Mutex
	// until is up to when the time spent has used up its share.
	until time.Time
}

// due is how long to wait before the next reading may begin.
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
