package retrier

// Waiting counts the events that wait before a call or a question: for their
// turn, for their task's own backoff after a call that failed, or for Kafka. Those
// that wait behind another one of their task count with it.
type Waiting struct{ Turn, Backoff, Kafka int }

// Waiting tells how many wait now. Who waits behind others waits for what they
// wait for: for Kafka, if it keeps all the places that there are.
func (r *Retrier) Waiting() Waiting {
	inFlight := r.cfg.Gate.State().InFlight
	s := &r.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	var w Waiting
	starting := 0 // wait for a slot
	for _, t := range s.tasks {
		switch n := len(t.waiting); t.phase {
		case ready:
			w.Turn += n
			if t.wantsSlot {
				starting += n
			}
		case atWork, settling:
			w.Turn += n
		case backingOff:
			w.Backoff += n
		case blocked, held:
			w.Kafka += n
		}
	}
	w.Turn = max(0, w.Turn-inFlight) // under way, they wait no more
	kafka := s.marking
	switch {
	case s.marking >= r.cfg.MaxInFlight: // nobody else can come to a turn
		kafka = w.Turn
	case s.marking+s.unacknowledged >= 2*r.cfg.MaxInFlight:
		kafka += starting
	}
	kafka = min(kafka, w.Turn)
	w.Turn -= kafka
	w.Kafka += kafka
	return w
}

// count counts the tasks that wait for one thing.
func (s *schedule) count(n *int, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n += change
}

// ahead is how many tasks want to call before one that becomes ready now.
func (s *schedule) ahead() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.len()
}

// has tells whether an event of the task waits or is being decided. If none does, all
// that came are answered, and the ledger knows it.
func (s *schedule) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[id] != nil
}
