package consumer

import "sync"

// lookAhead bounds the unanswered records that a generation holds, over all its partitions.
// A partition may use what others leave, and may always use its own part, so that one stuck
// partition takes nothing from the others. The total is at most twice maxEvents and
// maxBytes.
//
// mu guards all fields, including those of the holdings.
type lookAhead struct {
	maxEvents, maxBytes   int // over all partitions
	partEvents, partBytes int // of each

	mu            sync.Mutex
	events, bytes int
	paused        []*holding
}

// holding is what one partition holds.
type holding struct {
	events, bytes int
	// retry is closed when the partition may try again. It is nil unless the partition is
	// paused.
	retry chan struct{}
}

// newLookAhead divides the bounds by the number of partitions.
func newLookAhead(maxEvents, maxBytes, partitions int) *lookAhead {
	return &lookAhead{
		maxEvents: maxEvents, maxBytes: maxBytes,
		partEvents: max(1, maxEvents/partitions), partBytes: max(1, maxBytes/partitions),
	}
}

// tryAdd adds a record of size bytes. It returns nil if the record was added. Otherwise the
// look-ahead is full, and it returns a channel that is closed when to try again. A partition
// that holds nothing may always add one record, however large.
func (l *lookAhead) tryAdd(h *holding, size int) (retry <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	shared := l.events < l.maxEvents && l.bytes+size <= l.maxBytes
	own := h.events < l.partEvents && h.bytes+size <= l.partBytes
	if !shared && !own && h.bytes+h.events > 0 {
		if h.retry == nil {
			h.retry = make(chan struct{})
			l.paused = append(l.paused, h)
		}
		return h.retry
	}
	l.add(h, 1, size)
	return nil
}

// release gives back space, of an answered record for example, and wakes paused partitions
// if enough is free.
func (l *lookAhead) release(h *holding, events, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(h, -events, -size)
	if len(l.paused) == 0 {
		return
	}
	// Do not wake all paused partitions when only one record would fit.
	shared := 4*l.events <= 3*l.maxEvents && 4*l.bytes <= 3*l.maxBytes
	still := l.paused[:0]
	for _, p := range l.paused {
		if shared || 2*p.events <= l.partEvents && 2*p.bytes <= l.partBytes {
			close(p.retry)
			p.retry = nil
			continue
		}
		still = append(still, p)
	}
	clear(l.paused[len(still):])
	l.paused = still
}

func (l *lookAhead) add(h *holding, events, bytes int) {
	h.events += events
	h.bytes += bytes
	l.events += events
	l.bytes += bytes
}

// isPaused reports whether the partition waits for space.
func (l *lookAhead) isPaused(h *holding) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return h.retry != nil
}
