package consumer

import "sync"

// observations tell when each offset of a partition was first known to be in its log.
// "When" is a number that grows with every observation in this process. An event with a
// number at or below that of a call's start arrived before the call, in any partition. No
// clocks are compared.
//
// It is safe for concurrent use.
type observations struct {
	mu   sync.Mutex
	list []observation // ascending
}

type observation struct {
	end    int64  // offsets below it were observed at this number or earlier
	number uint64 // see observations
}

// maxObservations bounds the list. Beyond it, offsets count as observed later than they
// were. Then an event may be called that needed no call; none is missed.
const maxObservations = 64

// add notes that the partition ends at end.
func (s *observations) add(end int64, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	switch {
	case n > 0 && end <= s.list[n-1].end:
	case n == maxObservations:
		s.list[n-1] = observation{end, number}
	default:
		s.list = append(s.list, observation{end, number})
	}
}

// first returns when the offset was first observed. Offsets must be passed in ascending
// order.
func (s *observations) first(offset int64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.list) > 1 && s.list[0].end <= offset {
		s.list = s.list[1:]
	}
	if len(s.list) == 0 || s.list[0].end <= offset {
		return ^uint64(0) // read before its partition's end was known
	}
	return s.list[0].number
}
