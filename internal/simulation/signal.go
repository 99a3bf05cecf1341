package simulation

// signal is a channel whose closing is waited for. All of them are checked at each step,
// because a close cannot be observed; a channel with many waiters is stored once.
type signal struct {
	c       <-chan struct{} // nil if the entry is free
	waiters int
	closed  bool // at the last look
}

// noSignal is the index of the signal of a nil channel, which is never closed.
const noSignal = 0

// signal returns the index of a channel's signal, with one more waiter.
func (s *sched) signal(c <-chan struct{}) int {
	if c == nil {
		return noSignal
	}
	free := len(s.signals)
	for at := len(s.signals) - 1; at > noSignal; at-- {
		switch s.signals[at].c {
		case c:
			s.signals[at].waiters++
			return at
		case nil:
			free = at
		}
	}
	if free == len(s.signals) {
		s.signals = append(s.signals, signal{})
	}
	s.signals[free] = signal{c: c, waiters: 1}
	return free
}

// look checks which signals are closed, and reports whether any is.
func (s *sched) look() (given bool) {
	for at := range s.signals {
		g := &s.signals[at]
		if g.c != nil && (g.closed || isClosed(g.c)) {
			g.closed, given = true, true
		}
	}
	return given
}

// forget ends a routine's wait.
func (s *sched) forget(r *routine) {
	for _, at := range [...]int{r.done, r.ctx} {
		g := &s.signals[at]
		if g.waiters--; g.waiters <= 0 {
			*g = signal{}
		}
	}
	r.done, r.ctx = noSignal, noSignal
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
