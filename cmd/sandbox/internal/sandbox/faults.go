package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"remux-retrier/internal/mpcsim"
)

// fault is something that goes wrong for everybody for a while.
type fault struct {
	key   rune
	name  string
	what  string // "MPC …"
	so    string // what is to be seen meanwhile
	apply func(*mpcsim.Faults)
}

// What is to be seen under most faults.
const (
	waiting = "events wait, and none may fail for it"
	advised = "the service says what to do, events wait"
)

// slower is below MPC_TIMEOUT: what is slower still is hanging.
const slower = 700 * time.Millisecond

// catalogue is what --fault and the keys know. Only one is in force at a time.
var catalogue = []fault{
	{'s', "slow", "takes 0.7 s longer to answer", "calls go on side by side",
		func(f *mpcsim.Faults) { f.Latency += slower }},
	{'t', "throttle", "answers 429 to more than 1 request a second", "the service slows down to what MPC takes",
		func(f *mpcsim.Faults) { f.PerSecond = 1 }},
	outage('d', mpcsim.Down, "answers 503 to everything", waiting),
	outage('b', mpcsim.Broken, "answers 500 to everything", waiting),
	outage('h', mpcsim.Hanging, "does not answer at all", waiting),
	outage('r', mpcsim.Resetting, "resets every connection", waiting),
	{'l', "losing", "does as it is told, but half of its answers are lost", "the service asks before it calls again",
		func(f *mpcsim.Faults) { f.LossRate = 0.5 }},
	// What a wrong secret key is answered with; the simulator checks signatures
	// all the time, so a wrong one in earnest would be refused the same way.
	{'c', "credentials", "takes the service's credentials for wrong (401)", advised,
		func(f *mpcsim.Faults) { f.Outage = mpcsim.Unauthorized }},
	outage('w', mpcsim.Denied, "refuses the caller (403): not on the white list", advised),
	outage('f', mpcsim.Firewall, "is behind a firewall that answers 403 with a page", advised),
	{'p', "permission", "does not permit state queries (403)", "the service goes on without them",
		func(f *mpcsim.Faults) { f.RefuseQueries = true }},
}

func outage(key rune, o mpcsim.Outage, what, so string) fault {
	return fault{key, string(o), what, so, func(f *mpcsim.Faults) { f.Outage = o }}
}

func (f *fault) announce(at time.Time) string {
	return fmt.Sprintf("%s  MPC %s: %s", at.Format(momentLayout), f.what, f.so)
}

// faultBy finds a fault; nil: there is none such.
func faultBy(is func(fault) bool) *fault {
	if i := slices.IndexFunc(catalogue, is); i >= 0 {
		return &catalogue[i]
	}
	return nil
}

func named(name string) *fault { return faultBy(func(f fault) bool { return f.name == name }) }

func faultNames() string {
	var names []string
	for _, f := range catalogue {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// How long a fault of --fault is in force: with --once from the start; in the
// endless stream it comes and goes, until a key is pressed.
const (
	faultOnce   = 3 * time.Second
	faultLasts  = 15 * time.Second
	healthFirst = 5 * time.Second
	healthLasts = 20 * time.Second
)

// misbehave switches the fault of --fault on and off until the context ends or
// somebody takes over by hand.
func (s *sandbox) misbehave(ctx context.Context) {
	chosen := named(s.opts.fault)
	switch {
	case chosen == nil:
	case s.opts.once:
		s.suffer(ctx, chosen, faultOnce)
	default:
		health := healthFirst
		for wait(ctx, health) && s.suffer(ctx, chosen, faultLasts) {
			health = healthLasts
		}
	}
}

// suffer has the fault in force for so long, and tells whether it is over.
func (s *sandbox) suffer(ctx context.Context, chosen *fault, d time.Duration) bool {
	return s.weather.scheduled(chosen) && wait(ctx, d) && s.weather.scheduled(nil)
}

// wait tells whether the time has passed; false: the context has ended.
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
