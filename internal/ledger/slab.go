package ledger

// chunk is how many values a slab allocates at once: some KiB, because most ledgers
// hold few.
const chunk = 128

// slab holds values of one type by number, from 1 on. There may be millions of them,
// so they have no pointers, and the garbage collector need not look at them.
type slab[T any] struct {
	chunks []*[chunk]T
	used   uint32   // numbers handed out so far
	free   []uint32 // of those, the ones that were given back
}

func (s *slab[T]) at(number uint32) *T {
	number--
	return &s.chunks[number/chunk][number%chunk]
}

// len is how many are held.
func (s *slab[T]) len() int { return int(s.used) - len(s.free) }

// take hands out a number; its value is zero.
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
