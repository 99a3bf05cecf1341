package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"remux-retrier/internal/mpcsim"
)

// fault is a fault of MPC that affects all requests.
type fault struct {
	key    rune
	name   string
	what   string // what MPC does, printed after "MPC"
	effect string // what the user can see meanwhile
	apply  func(*mpcsim.Faults)
}

// The effects of most faults.
const (
	waiting = "events wait, and none fails"
	advised = "the service logs what to do, events wait"
)

// slower is below MPC_TIMEOUT: with more latency, calls would fail.
const slower = 700 * time.Millisecond

// catalogue has the faults of --fault and the keys. At most one is active at a time.
var catalogue = []fault{
	{'s', "slow", "takes 0.7 s longer to answer", "calls go on in parallel",
		func(f *mpcsim.Faults) { f.Latency += slower }},
	{'t', "throttle", "answers 429 to more than 1 request a second", "the service slows down to the rate that MPC admits",
		func(f *mpcsim.Faults) { f.PerSecond = 1 }},
	outage('d', mpcsim.Down, "answers 503 to everything", waiting),
	outage('b', mpcsim.Broken, "answers 500 to everything", waiting),
	outage('h', mpcsim.Hanging, "does not answer at all", waiting),
	outage('r', mpcsim.Resetting, "resets every connection", waiting),
	{'l', "losing", "carries out requests, but loses half of its answers", "the service queries before it calls again",
		func(f *mpcsim.Faults) { f.LossRate = 0.5 }},
	// The answer to a wrong secret key. The simulator always checks signatures, so a
	// really wrong key would get the same answer.
	{'c', "credentials", "rejects the service's credentials (401)", advised,
		func(f *mpcsim.Faults) { f.Outage = mpcsim.Unauthorized }},
	outage('w', mpcsim.Denied, "refuses the caller (403): not on the white list", advised),
	outage('f', mpcsim.Firewall, "is behind a firewall that answers 403 with a page", advised),
	{'p', "permission", "does not permit state queries (403)", "the service goes on without them",
		func(f *mpcsim.Faults) { f.RefuseQueries = true }},
}

func outage(key rune, o mpcsim.Outage, what, effect string) fault {
	return fault{key, string(o), what, effect, func(f *mpcsim.Faults) { f.Outage = o }}
}

func (f *fault) announce(at time.Time) string {
	return fmt.Sprintf("%s  MPC %s: %s", at.Format(momentLayout), f.what, f.effect)
}

// faultBy returns the first fault for which is returns true, nil if there is none.
func faultBy(is func(fault) bool) *fault {
	if i := slices.IndexFunc(catalogue, is); i >= 0 {
		return &catalogue[i]
	}
	return nil
}

func faultNamed(name string) *fault { return faultBy(func(f fault) bool { return f.name == name }) }

func faultNames() string {
	var names []string
	for _, f := range catalogue {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// How long a fault of --fault is active: with --once from the start; in the endless
// stream again and again, with pauses, until a key is pressed.
const (
	faultOnce  = 3 * time.Second
	faultTime  = 15 * time.Second
	firstPause = 5 * time.Second
	pauseTime  = 20 * time.Second
)

// runSchedule switches the fault of --fault on and off until the context ends or the
// user presses a key.
func (s *sandbox) runSchedule(ctx context.Context) {
	chosen := faultNamed(s.opts.fault)
	switch {
	case chosen == nil:
	case s.opts.once:
		s.applyFor(ctx, chosen, faultOnce)
	default:
		pause := firstPause
		for wait(ctx, pause) && s.applyFor(ctx, chosen, faultTime) {
			pause = pauseTime
		}
	}
}

// applyFor makes the fault active for d. It returns false if the context has ended or
// the user has pressed a key.
func (s *sandbox) applyFor(ctx context.Context, chosen *fault, d time.Duration) bool {
	return s.active.setScheduled(chosen) && wait(ctx, d) && s.active.setScheduled(nil)
}

// wait waits for d. It returns false if the context has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// activeFault switches the active fault. The schedule of --fault and keys change it.
// The first key ends the schedule.
//
// mu guards the fields below it.
type activeFault struct {
	mpc     *mpcsim.Simulator
	always  mpcsim.Faults // active in addition
	printer *printer
	checker *checker

	mu     sync.Mutex
	fault  *fault // nil: none
	since  time.Time
	byHand bool
}

// setScheduled changes the fault, unless a key was pressed: then it returns false.
func (a *activeFault) setScheduled(next *fault) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.byHand {
		a.set(next)
	}
	return !a.byHand
}

// toggle switches a fault on, or off if it is active. nil switches off any.
func (a *activeFault) toggle(chosen *fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byHand = true
	if chosen == a.fault {
		chosen = nil
	}
	a.set(chosen)
}

func (a *activeFault) set(next *fault) {
	faults := a.always
	if next != nil {
		next.apply(&faults)
		a.checker.faultBegins(faults.RefuseQueries)
	}
	_ = a.mpc.SetFaults(faults) // the catalogue's faults are valid
	was := a.fault
	a.fault, a.since = next, time.Now()
	switch {
	case next != nil:
		a.printer.wrapped(yellow, "── ", next.announce(a.since))
	case was != nil:
		a.printer.print(green, "── %s  MPC is healthy again", a.since.Format(momentLayout))
	}
}

// current returns the active fault, nil for none, and since when. A zero time means
// since the start.
func (a *activeFault) current() (*fault, time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault, a.since
}
