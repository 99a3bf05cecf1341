package sandbox

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"remux-retrier/internal/sandbox/mpcsim"
)

// fault is something that goes wrong for everybody for a while.
type fault struct {
	what  string // "MPC …"
	apply func(*mpcsim.Faults)
}

func outage(o mpcsim.Outage, what string) fault {
	return fault{what, func(f *mpcsim.Faults) { f.Outage = o }}
}

// catalogue is what --fault knows.
var catalogue = map[string]fault{
	"down":         outage(mpcsim.Down, "answers 503 to everything"),
	"broken":       outage(mpcsim.Broken, "answers 500 to everything"),
	"unauthorized": outage(mpcsim.Unauthorized, "answers 401 to everything"),
	"denied":       outage(mpcsim.Denied, "refuses the caller (403): not on the white list"),
	"firewall":     outage(mpcsim.Firewall, "is behind a firewall that answers 403 with a page"),
	"resetting":    outage(mpcsim.Resetting, "resets every connection"),
	"hanging":      outage(mpcsim.Hanging, "does not answer at all"),
	"throttle":     {"answers 429 to more than 2 requests a second", func(f *mpcsim.Faults) { f.PerSecond = 2 }},
}

func faultNames() string {
	return strings.Join(slices.Sorted(maps.Keys(catalogue)), ", ")
}

// How long a fault is in force: with --once from the start; in the endless
// stream it comes and goes.
const (
	faultOnce   = 3 * time.Second
	faultLasts  = 15 * time.Second
	healthFirst = 5 * time.Second
	healthLasts = 20 * time.Second
)

// misbehave switches the fault on and off until the context ends.
func (s *sandbox) misbehave(ctx context.Context) {
	chosen, ok := catalogue[s.opts.fault]
	switch {
	case !ok:
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
func (s *sandbox) suffer(ctx context.Context, chosen fault, d time.Duration) bool {
	faults := s.opts.faults
	chosen.apply(&faults)
	_ = s.mpc.SetFaults(faults) // valid, as all of the catalogue
	s.paper.say(yellow, "── for %v MPC %s: events wait, and none may fail for it ──", d, chosen.what)
	if !wait(ctx, d) {
		return false
	}
	_ = s.mpc.SetFaults(s.opts.faults) // valid, as all of the catalogue
	s.paper.say(green, "── MPC is well again ──")
	return true
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
