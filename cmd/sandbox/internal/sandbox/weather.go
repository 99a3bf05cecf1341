package sandbox

import (
	"sync"
	"time"

	"remux-retrier/internal/mpcsim"
)

// weather is the fault in force. The schedule of --fault changes it, and so do
// keys; the first key ends the schedule.
//
// mu guards everything below it.
type weather struct {
	mpc    *mpcsim.Simulator
	always mpcsim.Faults // in force beneath it
	paper  *paper
	board  *board

	mu     sync.Mutex
	fault  *fault // nil: none
	since  time.Time
	byHand bool
}

// scheduled changes the weather, and tells whether it may: nobody has taken over.
func (w *weather) scheduled(next *fault) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.byHand {
		w.change(next)
	}
	return !w.byHand
}

// toggle switches the fault on; or off, if it is in force. nil switches off
// whatever is.
func (w *weather) toggle(chosen *fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byHand = true
	if chosen == w.fault {
		chosen = nil
	}
	w.change(chosen)
}

func (w *weather) change(next *fault) {
	faults := w.always
	if next != nil {
		next.apply(&faults)
		w.board.disturb(faults.RefuseQueries)
	}
	_ = w.mpc.SetFaults(faults) // valid, as all of the catalogue
	was := w.fault
	w.fault, w.since = next, time.Now()
	switch {
	case next != nil:
		w.paper.wrapped(yellow, "── ", next.announce(w.since))
	case was != nil:
		w.paper.say(green, "── %s  MPC is well again", w.since.Format(momentLayout))
	}
}

// now is the fault in force, nil for none, and since when it is so; zero: from
// the start.
func (w *weather) now() (*fault, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault, w.since
}
