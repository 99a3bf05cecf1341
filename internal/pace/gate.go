package pace

import (
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
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
	cfg     Config
	permits *clock.Semaphore
	noShare *notice.Notice

	mu       sync.Mutex
	queue    []*waiter // who waits for a turn, in turn
	tickets  uint64    // how many have come
	quota    quota
	throttle throttle
	breaker  breaker
	hold     time.Time // a Retry-After: nothing leaves before
	tally    Tally
	served   [Last]bool // of the last requests that ended
	opened   func()     // see OnOpen
}

// OnOpen has f called each time the circuit breaker opens. f must not wait.
func (g *Gate) OnOpen(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = f
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
	// Throttling is what the API's refusals have left of the share.
	Throttling Throttling
	// Available tells whether the circuit breaker is closed: the API is thought to
	// serve, though it may throttle.
	Available bool
	// Down is since when the API has not served; zero: it does.
	Down time.Time
	// Hold is until when a Retry-After forbids requests; it may be past.
	Hold time.Time
}

// Throttling tells that the API refuses calls above a limit.
type Throttling struct {
	// Since is when it began; zero: nothing was refused lately.
	Since time.Time
	// Admitted is how many requests a minute the API is thought to admit, of this
	// instance's share Of; +Inf: unlimited.
	Admitted, Of float64
}

// New makes a gate that lets nothing through until Assign gives it a share.
func New(cfg Config) (*Gate, error) {
	if cfg.PerWindow < 0 || cfg.Window <= 0 || cfg.MaxInFlight <= 0 || cfg.Clock == nil || cfg.Logger == nil {
		return nil, errors.New("pace: Window, MaxInFlight, Clock and Logger are required, PerWindow must not be negative")
	}
	return &Gate{
		cfg: cfg, permits: clock.NewSemaphore(cfg.Clock, cfg.MaxInFlight),
		quota: quota{perWindow: cfg.PerWindow, window: cfg.Window}, throttle: newThrottle(cfg.Window), noShare: notice.New(cfg.Logger),
	}, nil
}

// Assign sets the share of the quota for the partitions now owned.
func (g *Gate) Assign(a Assignment) {
	g.mu.Lock()
	share := g.quota.assign(g.cfg.Clock.Now(), a)
	g.changed()
	g.mu.Unlock()
	if g.cfg.PerWindow > 0 && share == 0 && len(a.Partitions) > 0 {
		g.noShare.Problem("this instance's share of MPC_REQUESTS_PER_MINUTE is 0: it will not call; run no more instances than calls a minute")
	} else {
		g.noShare.Over("this instance's share of MPC_REQUESTS_PER_MINUTE is no longer 0")
	}
}

// Tally is the count so far.
func (g *Gate) Tally() Tally {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tally
}

// Available tells whether the API is thought to serve: the circuit breaker is
// closed.
func (g *Gate) Available() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.breaker.open(g.cfg.Clock.Now())
}

// State tells what the gate is at.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.cfg.Clock.Now()
	// An instance that has had nothing to ask with for long knows nothing of an
	// outage any more.
	idle := len(g.queue) == 0 && g.breaker.inFlight == 0 && now.Sub(g.breaker.probed) > 3*probeAtMost
	share := 60 * g.quota.rate / headroom
	s := State{
		Tally: g.tally, PerMinute: 60 * min(g.quota.rate, g.throttle.limit.rate), Share: share, Waiting: len(g.queue),
		Available: idle || !g.breaker.open(now), InFlight: g.breaker.inFlight, Down: g.breaker.opened, Hold: g.hold,
	}
	if since := g.throttle.active(now); !since.IsZero() {
		s.Throttling = Throttling{since, 60 * min(g.quota.rate, g.throttle.admits(now)), share}
	}
	return s
}
