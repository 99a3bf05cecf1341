package kafkalog

import (
	"slices"
	"sync"
	"time"
)

// A page may end in the middle of a batch. Brokers return whole batches, so the next fetch
// returns the same batch again. To not unpack it again from its beginning, its reader is
// kept, without the stored bytes: the next fetch brings those.

const (
	// keptMost is how many readers are kept, over all partitions. Each may hold a zstd
	// window of zstdWindow bytes.
	keptMost = 2
	// keptLeast is the least that a reader must have unpacked, in bytes, to be worth
	// keeping.
	keptLeast = 128 << 10
	// keptFor is how long a reader waits for the next fetch.
	keptFor = time.Minute
)

// batchAt identifies a batch of a partition. Its header includes the checksum.
type batchAt struct {
	topic     string
	partition int
	header    header
}

// kept holds readers of batches in which a page has ended. The zero value is ready to use.
type kept struct {
	mu      sync.Mutex
	readers []*unpacked
}

// take removes and returns the reader of the batch that is closest to an offset; nil if
// there is none.
func (k *kept) take(at batchAt, offset int64) *unpacked {
	k.mu.Lock()
	defer k.mu.Unlock()
	var best *unpacked
	for _, u := range k.readers {
		if u.at == at && u.due <= offset && (best == nil || u.due > best.due) {
			best = u
		}
	}
	if best != nil {
		k.remove(best)
	}
	return best
}

// keep keeps a reader. Those that have unpacked most stay: they are the most expensive to
// repeat, and usual batches do not displace a batch of many pages.
func (k *kept) keep(u *unpacked) {
	u.read = u.source.Size() - int64(u.source.Len())
	u.source.Reset(nil)
	if u.bound.done() < keptLeast {
		u.close()
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	u.forget = time.AfterFunc(keptFor, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.remove(u) { // it was not taken
			u.close()
		}
	})
	k.readers = append(k.readers, u)
	if len(k.readers) > keptMost {
		least := slices.MinFunc(k.readers, func(a, b *unpacked) int { return int(a.bound.done() - b.bound.done()) })
		k.remove(least)
		least.close()
	}
}

// remove reports whether the reader was kept. mu is held.
func (k *kept) remove(u *unpacked) bool {
	i := slices.Index(k.readers, u)
	if i < 0 {
		return false
	}
	k.readers = slices.Delete(k.readers, i, i+1)
	u.forget.Stop()
	return true
}
