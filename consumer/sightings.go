package consumer

import "sync"

// sightings tell when the offsets of a partition were first seen to stand in its
// log. When is a number that grows with every sighting in this process: an event
// whose number is not above the one at which a call was sent came before that call,
// in whichever partition. No clock is compared.
//
// It is safe for concurrent use.
type sightings struct {
	mu   sync.Mutex
	list []sighting // ascending
}

type sighting struct {
	end    int64  // the offsets below it were seen then at the latest
	number uint64 // when
}

// mostSightings bounds the list. What comes on top counts as seen later than it
// was: an event may be called for that needed no call, and none goes uncalled.
const mostSightings = 64

// add notes that the partition was seen to end at end.
func (s *sightings) add(end int64, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	switch {
	case n > 0 && end <= s.list[n-1].end:
	case n == mostSightings:
		s.list[n-1] = sighting{end, number}
	default:
		s.list = append(s.list, sighting{end, number})
	}
}

// of is when the offset was first seen. Offsets are asked for in ascending order.
func (s *sightings) of(offset int64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 1 && s.list[0].end <= offset {
		s.list = s.list[1:]
	}
	if len(s.list) == 0 || s.list[0].end <= offset {
		return ^uint64(0) // read before its end was known
	}
	return s.list[0].number
}
