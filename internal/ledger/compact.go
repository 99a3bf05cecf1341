package ledger

import "slices"

// smallest is how many decisions' memory is not worth giving back.
const smallest = 16 * chunk

// wasteful tells whether most of the memory is a former storm's.
func (s *decisions) wasteful() bool {
	return s.all.used > smallest && int(s.all.used) > 4*s.len()
}

// compacted is the same in as much memory as it needs.
func (s *decisions) compacted() *decisions {
	c := newDecisions(s.window)
	c.epochs, c.counted = s.epochs, s.counted
	var numbers []uint32
	for id, t := range s.tasks {
		numbers = numbers[:0]
		for number := t.newest; number != 0; number = s.all.at(number).older {
			numbers = append(numbers, number)
		}
		before := uint32(0)
		for _, number := range slices.Backward(numbers) {
			before = c.copy(s, number, before)
		}
		c.tasks[id] = task{newest: before, retries: t.retries}
	}
	return c
}

// copy takes over a decision, newer than the one before it.
func (s *decisions) copy(from *decisions, number, before uint32) uint32 {
	now := s.all.take()
	d := *from.all.at(number)
	at := from.madeAt(&d)
	if d.older, d.newer = before, 0; before != 0 {
		s.all.at(before).newer = now
	}
	for link := &d.first.next; *link != 0; {
		kept := *from.covers.at(*link)
		*link = s.covers.take()
		place := s.covers.at(*link)
		*place = kept
		link = &place.next
	}
	*s.all.at(now) = d
	s.queue(&d).push(entry{at, now})
	return now
}
