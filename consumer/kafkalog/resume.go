package kafkalog

import (
	"io"
	"slices"
	"sync"
	"time"
)

// A page may end in the middle of a batch, and brokers answer with whole batches: the
// next fetch brings it again. So that it is not unpacked again from its beginning,
// its reader is kept, without the bytes as they are stored, which the fetch brings.

const (
	// keptMost is how many readers are kept, over all partitions. Each may hold a
	// window of zstdWindow.
	keptMost = 2
	// keptLeast is how much a reader has unpacked that is worth keeping.
	keptLeast = 128 << 10
	// keptFor is how long a reader is kept for a fetch that does not come.
	keptFor = time.Minute
)

// batchAt is a batch of a partition. Its header has its checksum.
type batchAt struct {
	topic     string
	partition int
	header    header
}

// kept are readers of batches in which a page has ended. The zero value is ready.
type kept struct {
	mu      sync.Mutex
	readers []*unpacked
}

// take gives the reader of the batch that has come closest to an offset, nil if there
// is none. It is the caller's alone from then on.
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

// keep keeps a reader. Those that have unpacked most stay: to begin anew costs most
// there, and usual batches do not displace a batch of many pages.
func (k *kept) keep(u *unpacked) {
	u.source.body = nil
	if u.bound.done() < keptLeast {
		u.close()
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	u.forget = time.AfterFunc(keptFor, func() { k.drop(u) })
	k.readers = append(k.readers, u)
	if len(k.readers) > keptMost {
		least := slices.MinFunc(k.readers, func(a, b *unpacked) int { return int(a.bound.done() - b.bound.done()) })
		k.remove(least)
		least.close()
	}
}

// drop closes a reader unless it was taken.
func (k *kept) drop(u *unpacked) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.remove(u) {
		u.close()
	}
}

// remove tells whether the reader was there. mu is held.
func (k *kept) remove(u *unpacked) bool {
	i := slices.Index(k.readers, u)
	if i < 0 {
		return false
	}
	k.readers = slices.Delete(k.readers, i, i+1)
	u.forget.Stop()
	return true
}

// source is a batch's bytes as they are stored. They may be put in place anew while
// nobody reads.
type source struct {
	body []byte
	at   int
}

func (s *source) Read(b []byte) (int, error) {
	if s.at >= len(s.body) {
		return 0, io.EOF
	}
	n := copy(b, s.body[s.at:])
	s.at += n
	return n, nil
}
