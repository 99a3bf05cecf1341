package ledger

import "slices"

// compactFrom is how many decisions are worth compacting.
const compactFrom = 16 * chunk

// wasteful reports whether most of the memory is left over from an earlier peak.
func (s *decisions) wasteful() bool {
	return s.all.used > compactFrom && int(s.all.used) > 4*s.len()
}

// compacted returns the same decisions in as much memory as they need.
func (s *decisions) compacted() *decisions {
	c := newDecisions(s.window)
	c.epochs, c.results = s.epochs, s.results
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

// copy copies the decision with this number in from, and returns its number here. before is
// the number here of the task's next older decision; 0: none.
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
