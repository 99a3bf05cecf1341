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

// Result is what a request's result says about the API.
type Result int

// The results. Only Served means that the API did its work, whatever it answered about the
// task.
const (
	Served Result = iota
	Throttled
	Failed
)

// Config configures a Gate. All fields except PerWindow are required.
type Config struct {
	// PerWindow is how many requests the whole group may send in a Window; 0: unlimited.
	PerWindow int
	// Window is the quota's window: a minute for MPC.
	Window time.Duration
	// MaxInFlight bounds this instance's requests in flight.
	MaxInFlight int
	Clock       clock.Clock
	Logger      logrus.FieldLogger
}

// Gate admits requests to the API in the order in which they ask, at most MaxInFlight at once.
type Gate struct {
	cfg     Config
	permits *clock.Semaphore
	noShare *notice.Notice

	mu       sync.Mutex
	queue    []*waiter // waiting requests, in order
	tickets  uint64    // tickets issued so far
	quota    quota
	throttle throttle
	breaker  breaker
	hold     time.Time // from a Retry-After: nothing is sent before
	counters Counters
	served   [RecentRequests]bool // whether each of the last requests was served
	failing  func()               // see OnFailing
}

// OnFailing sets a function that is called when a failed request opens the circuit breaker,
// and for each request that fails while it is open. f must not block.
func (g *Gate) OnFailing(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failing = f
}

// Counters counts requests since the start.
type Counters struct {
	// Ended counts finished requests. Served and Throttled are part of them.
	Ended, Served, Throttled int64
	// Outages counts how often failed requests opened the circuit breaker. A silence that
	// ends with a served request does not count.
	Outages int64
	// RecentlyServed is how many of the last RecentRequests requests were served.
	RecentlyServed int
}

// RecentRequests is the number of requests that Counters.RecentlyServed looks at.
const RecentRequests = 10

// State is the state of the gate, for people and metrics.
type State struct {
	Counters
	// PerMinute is the current rate; +Inf: unlimited.
	PerMinute float64
	// Share is this instance's part of the quota per minute; +Inf: unlimited.
	Share float64
	// Waiting counts the requests that wait, InFlight those in flight.
	Waiting, InFlight int
	// Throttling describes the limit that the API's refusals have set.
	Throttling Throttling
	// Available reports whether the circuit breaker is closed, or nothing was sent for so
	// long that it is unknown whether the outage lasts. The API may still throttle.
	Available bool
	// Down is when failed requests opened the circuit breaker; zero: they did not. It is zero
	// too if the breaker is open only because no request in flight is answered.
	Down time.Time
	// Hold is the time before which a Retry-After forbids requests; it may be in the past.
	Hold time.Time
}

// Throttling describes a limit above which the API refuses calls.
type Throttling struct {
	// Since is when throttling began; zero: nothing was refused recently.
	Since time.Time
	// Admitted is how many requests a minute the API is believed to admit of this
	// instance's share Of; +Inf: unlimited.
	Admitted, Of float64
}

// New returns a gate that admits nothing until Assign gives it a share.
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

// Counters returns the current counts.
func (g *Gate) Counters() Counters {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counters
}

// Available reports whether the circuit breaker is closed.
func (g *Gate) Available() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.breaker.open(g.cfg.Clock.Now())
}

// State returns the current state.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.cfg.Clock.Now()
	// An instance that has sent nothing for long does not know whether an outage is still
	// going on.
	idle := len(g.queue) == 0 && g.breaker.inFlight == 0 && now.Sub(g.breaker.probed) > 3*maxProbeInterval
	share := 60 * g.quota.rate / headroom
	s := State{
		Counters: g.counters, PerMinute: 60 * min(g.quota.rate, g.throttle.limit.rate), Share: share, Waiting: len(g.queue),
		Available: idle || !g.breaker.open(now), InFlight: g.breaker.inFlight, Down: g.breaker.openedAt, Hold: g.hold,
	}
	if since := g.throttle.active(now); !since.IsZero() {
		s.Throttling = Throttling{since, 60 * min(g.quota.rate, g.throttle.admits(now)), share}
	}
	return s
}
