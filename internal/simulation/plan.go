package simulation

import (
	"math/rand/v2"
	"time"

	"remux-retrier/internal/config"
)

// Names and codes.
const (
	groupID          = "simulation"
	topicFailed      = "remux.failed"
	topicRetried     = "remux.retried"
	topicRetryFailed = "remux.retry_failed"
	topicDeadLetter  = "remux.failed.dlq"
	topicRecovered   = "remux.recovered"
	skippedCode      = "MPC.10052" // a failure that a retry cannot fix
)

// quotaWindow is the window of MPC's quota. budgetWindow is that of the retry budget:
// longer than any simulation.
const (
	quotaWindow  = time.Minute
	budgetWindow = 24 * time.Hour
)

// plan is what a seed decides in advance; the rest is drawn along the way.
type plan struct {
	instances, partitions   int
	retried, refused        int // partitions of the outcome topics
	quota                   int // requests a minute; 0: unlimited
	inFlight                int
	timeout, session        time.Duration
	attempts, budget        int
	maxAge                  time.Duration // 0: unlimited
	skip                    bool          // skippedCode is configured
	tasks                   int
	active                  time.Duration   // until all faults end
	troubles                []time.Duration // when a fault begins
	mayQuery                bool            // the credentials have the permission
	keyless                 bool            // producers do not key by task id
	bursts                  bool            // producers very often report the tasks whose calls always fail
	latest                  bool            // the group starts at the ends of the partitions
	clocksOff, producersOff bool            // the clocks of the instances, or of the producers, are wrong
	aftermath               aftermath
	limit                   limit
	recoveries              recoveries
}

func newPlan(r *rand.Rand) *plan {
	p := &plan{
		instances: 1 + r.IntN(3), partitions: 1 + r.IntN(4),
		retried: 1 + r.IntN(2), refused: 1 + r.IntN(2),
		quota:    []int{0, 12, 30, 100, 1000}[r.IntN(5)],
		inFlight: []int{1, 2, 4, 16}[r.IntN(4)],
		timeout:  between(r, time.Second, 4*time.Second),
		session:  between(r, 6*time.Second, 10*time.Second),
		attempts: 2 + r.IntN(3), budget: 1 + r.IntN(3),
		skip: chance(r, 0.3), tasks: 1 + r.IntN(8),
		active:   between(r, 5*time.Second, 40*time.Second),
		mayQuery: chance(r, 0.9), keyless: chance(r, 0.15),
		clocksOff: chance(r, 0.5), producersOff: chance(r, 0.5),
	}
	p.latest = chance(r, 0.1)
	if chance(r, 0.07) { // longer than a rebalance may take
		p.session, p.active = between(r, 20*time.Second, 2*time.Minute), between(r, 30*time.Second, 3*time.Minute)
	}
	if chance(r, 0.05) { // others are served while the calls for some always fail
		p.tasks, p.attempts, p.quota = 30+r.IntN(30), 1+r.IntN(2), 1000
	}
	if chance(r, 0.2) {
		p.budget = 0
	}
	if chance(r, 0.15) {
		p.maxAge = between(r, time.Second, time.Hour)
	}
	p.aftermath = newAftermath(r)
	if p.aftermath.takeOver {
		p.instances, p.inFlight, p.quota, p.aftermath.late = max(p.instances, 2), 1+r.IntN(2), 0, 20+r.IntN(30)
		p.timeout, p.mayQuery, p.aftermath.unwritable = between(r, 3*time.Second, 4*time.Second), true, false
	}
	if p.aftermath.unwritable {
		// Twice as many outcomes may wait for Kafka. Two for one partition may do so before
		// it is known to be unwritable.
		p.inFlight = max(p.inFlight, 2)
	}
	if chance(r, 0.005) { // the API admits fewer than the quota
		p.limit, p.quota, p.partitions = newLimit(r), []int{0, 100, 1000}[r.IntN(3)], 1+r.IntN(3)
		p.inFlight = max(p.inFlight, 4)
		p.tasks, p.keyless, p.aftermath = p.limit.perMinute*(6+r.IntN(4)), false, aftermath{}
	} else if chance(r, 0.012) {
		p.burst(r)
	}
	for range r.IntN(8) * int(1+p.active/(40*time.Second)) {
		p.troubles = append(p.troubles, between(r, 0, p.active))
	}
	return p
}

// burst makes producers report tasks very often whose calls always fail, while others of
// the same partition must be served.
func (p *plan) burst(r *rand.Rand) {
	p.bursts, p.attempts, p.quota, p.keyless = true, 1+r.IntN(3), []int{0, 1000}[r.IntN(2)], false
	p.aftermath = aftermath{lasts: between(r, time.Minute, 2*time.Minute), alwaysFails: true, late: 20 + r.IntN(60)}
	switch dice := r.Float64(); {
	case dice < 0.2:
		p.partitions = 64 // each looks ahead by few events
	case dice < 0.6: // enough others to show that the failures are the tasks' own
		p.attempts, p.aftermath.late = 1+r.IntN(2), 100+r.IntN(100)
	}
}

// config is the configuration that the environment would have set.
func (p *plan) config() config.Config {
	limit := func(n int) config.Limit {
		if n == 0 {
			return config.Unlimited
		}
		return config.Limit(n)
	}
	c := config.Config{
		Kafka: config.Kafka{
			GroupID: groupID, TopicFailed: topicFailed, TopicRetried: topicRetried,
			TopicRetryFailed: topicRetryFailed, TopicDeadLetter: topicDeadLetter,
			StartOffset: config.Earliest, SessionTimeout: p.session,
		},
		MPC: config.MPC{RequestsPerMinute: limit(p.quota), MaxInFlight: p.inFlight, Timeout: p.timeout},
		Retry: config.Retry{
			Budget: limit(p.budget), BudgetWindow: budgetWindow, MaxEventAge: p.maxAge, MaxAttempts: p.attempts,
		},
		ShutdownTimeout: p.timeout + shutdownSlack,
	}
	if p.latest {
		c.Kafka.StartOffset = config.Latest
	}
	if p.recoveries.on {
		c.Kafka.TopicRecovered = topicRecovered
	}
	if p.skip {
		c.Retry.SkipCodes = []string{skippedCode}
	}
	return c
}

// The service's times beyond MPC's timeout: of a drain, of a stop, and of the group's wait
// for a member to release its partitions.
const (
	drainSlack     = 5 * time.Second
	shutdownSlack  = 10 * time.Second
	rebalanceSlack = 15 * time.Second
)

// chances returns a random source of the seed; streams are independent of each other.
func chances(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream)) //nolint:gosec // it must be the same each time
}

func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// between is at least low and below high.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}
