package retrier

// Waiting counts the events that wait for a call or a state query: for the quota, for their
// task's backoff after a failed call, or for Kafka. Quota includes those that wait for an
// outage's end. Events that wait behind another one of their task count with it. Those of
// a task that is ending do not count: its handling has panicked, or the generation ends.
type Waiting struct{ Quota, Backoff, Kafka int }

// Waiting returns how many events wait now.
//
// A slot is one of 2 × MaxInFlight permits for tasks that call, or whose outcome Kafka has
// not acknowledged; see schedule. If tasks that wait for Kafka hold all slots, the events
// that wait for a slot count as waiting for Kafka.
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
			w.Quota += n
			if t.wantsSlot {
				starting += n
			}
		case atWork, settling:
			w.Quota += n
		case backingOff:
			w.Backoff += n
		case blocked:
			w.Kafka += n
		}
	}
	w.Quota = max(0, w.Quota-inFlight) // in flight, they no longer wait
	kafka := s.awaitingCommit
	switch {
	case s.awaitingCommit >= r.cfg.MaxInFlight: // no other task can get a permit
		kafka = w.Quota
	case s.awaitingCommit+s.unacknowledged >= 2*r.cfg.MaxInFlight:
		kafka += starting
	}
	kafka = min(kafka, w.Quota)
	w.Quota -= kafka
	w.Kafka += kafka
	return w
}

// count adjusts a counter of tasks.
func (s *schedule) count(n *int, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n += change
}

// ahead is how many tasks wait to call before one that becomes ready now.
func (s *schedule) ahead() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.toCall)
}

// has reports whether an event of the task waits or is being decided. Otherwise all events
// of the task so far are answered, and the ledger knows the answers.
func (s *schedule) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[id] != nil
}
