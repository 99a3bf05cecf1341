package ledger

// chunk is how many values a slab allocates at once: a few KiB, because most ledgers hold
// few.
const chunk = 128

// slab stores values of one type by number, starting at 1. There may be millions, so the
// values have no pointers and the garbage collector need not scan them.
type slab[T any] struct {
	chunks []*[chunk]T
	used   uint32   // numbers handed out so far
	free   []uint32 // numbers that were released
}

func (s *slab[T]) at(number uint32) *T {
	number--
	return &s.chunks[number/chunk][number%chunk]
}

// len is how many values are stored.
func (s *slab[T]) len() int { return int(s.used) - len(s.free) }

// take returns a free number with a zero value.
func (s *slab[T]) take() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		number := s.free[last]
		s.free = s.free[:last]
		return number
	}
	if s.used%chunk == 0 {
		s.chunks = append(s.chunks, new([chunk]T))
	}
	s.used++
	return s.used
}

func (s *slab[T]) release(number uint32) {
	*s.at(number) = *new(T)
	s.free = append(s.free, number)
}
