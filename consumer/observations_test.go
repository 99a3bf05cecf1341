package consumer

import (
	"math"
	"math/rand/v2"
	"testing"
)

// With a number too low, a new failure would count as an old one and never be retried.
func TestNoOffsetCountsAsSeenEarlierThanItWas(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var s observations
		var ends []int64 // by number
		end, offset := int64(0), int64(0)
		for range 1000 {
			if r.IntN(3) > 0 {
				end += r.Int64N(20)
				s.add(end, uint64(len(ends)))
				ends = append(ends, end)
				continue
			}
			for range r.IntN(10) {
				first := uint64(math.MaxUint64)
				for number, end := range ends {
					if end > offset {
						first = uint64(number)
						break
					}
				}
				switch got := s.first(offset); {
				case got < first:
					t.Fatalf("seed %d: %d counts as seen at %d, it was at %d", seed, offset, got, first)
				case got > first && len(s.list) < maxObservations/2 && first+maxObservations > uint64(len(ends)):
					t.Fatalf("seed %d: %d counts as seen at %d, it was at %d", seed, offset, got, first)
				}
				if offset < end {
					offset += 1 + r.Int64N(3)
				}
			}
		}
	}
}
