package pace

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
)

// never is a wait that only a change ends.
const never = time.Hour

// Result is what a request's end says about the API.
type Result int

// The results. Only Served says that the API did its work, whatever it answered
// about the task.
const (
	Served Result = iota
	Throttled
	Failed
)

// Config of a Gate. All fields are required, but PerWindow.
type Config struct {
	// PerWindow is how many requests the whole group may send in a Window; 0:
	// as many as it likes.
	PerWindow int
	// Window is the quota's: a minute, for MPC.
	Window time.Duration
	// MaxInFlight bounds the requests of this instance under way at once.
	MaxInFlight int
	Clock       clock.Clock
	Logger      logrus.FieldLogger
}

// Gate lets requests to the API through, one at a time and in the order in
// which they asked.
type Gate struct {
	cfg   Config
	slots *clock.Semaphore

	mu     sync.Mutex
	queue  []*waiter // who waits for a turn, in turn
	rate   rate
	health health
	hold   time.Time // a Retry-After: nothing leaves before
	tally  Tally
	served [Last]bool // of the last requests that ended
}

// Tally counts what has ended since the start.
type Tally struct {
	// Ended counts requests, Served and Throttled those of them.
	Ended, Served, Throttled int64
	// Outages counts how often the API was found not to serve.
	Outages int64
	// Lately are those Served of the last Last that ended.
	Lately int
}

// Last is how many requests Tally.Lately is of.
const Last = 10

// State is what the gate is at, for people and metrics.
type State struct {
	Tally
	// PerMinute is the rate in force; +Inf: unlimited.
	PerMinute float64
	// Share is this instance's part of the quota, a minute; +Inf: unlimited.
	Share float64
	// Waiting counts the requests that wait for a turn, InFlight those under way.
	Waiting, InFlight int
	// Available tells whether the API is thought to serve.
	Available bool
	// Down is since when the API has not served; zero: it does.
	Down time.Time
	// Hold is until when a Retry-After forbids requests; it may be past.
	Hold time.Time
}

// New makes a gate that lets nothing through until Assign gives it a share.
func New(cfg Config) (*Gate, error) {
	if cfg.PerWindow < 0 || cfg.Window <= 0 || cfg.MaxInFlight <= 0 || cfg.Clock == nil || cfg.Logger == nil {
		return nil, errors.New("pace: Window, MaxInFlight, Clock and Logger are required, PerWindow must not be negative")
	}
	return &Gate{cfg: cfg, rate: newRate(), slots: clock.NewSemaphore(cfg.Clock, cfg.MaxInFlight)}, nil
}

// Assign sets the share for the partitions now owned, of a topic with so many.
func (g *Gate) Assign(partitions []int, of int) {
	share, owing := math.Inf(1), 0.0
	if g.cfg.PerWindow > 0 {
		n := Share(g.cfg.PerWindow, partitions, of)
		if n == 0 && len(partitions) > 0 {
			g.cfg.Logger.Warn("this instance's share of MPC_REQUESTS_PER_MINUTE is 0: it will not call; run no more instances than calls a minute")
		}
		share, owing = float64(n), owed(g.cfg.PerWindow, partitions, of)
	}
	g.mu.Lock()
	g.rate.set(g.cfg.Clock.Now(), share, g.cfg.Window, owing)
	g.changed()
	g.mu.Unlock()
}

// Tally is the count so far.
func (g *Gate) Tally() Tally {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tally
}

// Available tells whether the API is thought to serve.
func (g *Gate) Available() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.available()
}

func (g *Gate) available() bool {
	return g.health.closed.IsZero() && !g.health.isSilent(g.cfg.Clock.Now())
}

// State tells what the gate is at.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	// An instance that has had nothing to ask with for long knows nothing of an
	// outage any more.
	idle := len(g.queue) == 0 && g.health.inFlight == 0 && g.cfg.Clock.Now().Sub(g.health.probed) > 3*probeAtMost
	return State{
		Tally: g.tally, PerMinute: 60 * g.rate.current(), Share: 60 * g.rate.share / headroom, Waiting: len(g.queue),
		Available: idle || g.available(), InFlight: g.health.inFlight, Down: g.health.closed, Hold: g.hold,
	}
}
