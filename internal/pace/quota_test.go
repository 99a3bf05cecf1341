package pace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// group is a consumer group: its gates share the partitions of one topic, and
// each has hungry callers. It remembers when requests were sent.
type group struct {
	t     *testing.T
	rand  *rand.Rand
	quota int
	of    int // partitions
	gates []*Gate

	mu   sync.Mutex
	sent []time.Time
}

func newGroup(t *testing.T, seed uint64, quota, partitions, members int) *group {
	gr := &group{t: t, rand: rand.New(rand.NewPCG(seed, 5)), quota: quota, of: partitions}
	for range members {
		g, _ := newGate(t, quota, 64)
		gr.gates = append(gr.gates, g)
	}
	return gr
}

// work has all members send as fast as their gates allow.
func (gr *group) work() (stop func()) {
	var stops []func()
	for _, g := range gr.gates {
		stops = append(stops, g.hungry(64, gr.call))
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

func (gr *group) call() (Result, time.Duration) {
	gr.mu.Lock()
	gr.sent = append(gr.sent, time.Now())
	latency := time.Duration(gr.rand.IntN(400)) * time.Millisecond
	gr.mu.Unlock()
	time.Sleep(latency)
	return Served, 0
}

// random is a duration below d.
func (gr *group) random(d time.Duration) time.Duration {
	gr.mu.Lock()
	defer gr.mu.Unlock()
	return time.Duration(gr.rand.Int64N(int64(d)))
}

// rebalance takes all partitions away and gives them to some of the members.
func (gr *group) rebalance() {
	for _, g := range gr.gates {
		g.Assign(nil, gr.of)
	}
	if gr.random(2) == 0 {
		time.Sleep(gr.random(time.Second))
	}
	present := 1 + int(gr.random(time.Duration(len(gr.gates))))
	split := make([][]int, len(gr.gates))
	for i := range gr.of {
		o := int(gr.random(time.Duration(present)))
		split[o] = append(split[o], i)
	}
	for i, g := range gr.gates {
		g.Assign(split[i], gr.of)
	}
}

// checkWindows: in no minute, wherever it begins, more than the quota was sent.
func (gr *group) checkWindows() {
	gr.t.Helper()
	sent := slices.SortedFunc(slices.Values(gr.sent), time.Time.Compare)
	for i := gr.quota; i < len(sent); i++ {
		if took := sent[i].Sub(sent[i-gr.quota]); took < time.Minute {
			gr.t.Fatalf("%d requests within %v from %v on", gr.quota+1, took, sent[i-gr.quota].Sub(sent[0]))
		}
	}
}

// checkUse: from then on for so long, at least nine tenths of the quota were used.
func (gr *group) checkUse(from time.Time, length time.Duration) {
	gr.t.Helper()
	n := 0
	for _, at := range gr.sent {
		if !at.Before(from) && at.Before(from.Add(length)) {
			n++
		}
	}
	if want := 0.9 * float64(gr.quota) * length.Minutes(); float64(n) < want {
		gr.t.Errorf("%d requests in a calm stretch of %v, want at least %.0f", n, length, want)
	}
}

func TestGroupNeverExceedsTheQuotaAndUsesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 7))
	for seed := range uint64(20) {
		quota := 1 + int(6000*random.Float64()*random.Float64()*random.Float64()) // small ones are the hard ones
		if seed%4 == 0 {
			quota = 1 + random.IntN(20)
		}
		partitions, members := 1+random.IntN(16), 1+random.IntN(5)
		t.Run(fmt.Sprintf("quota %d, %d partitions, %d members", quota, partitions, members), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gr := newGroup(t, seed, quota, partitions, members)
				stop := gr.work()
				for range 12 {
					gr.rebalance()
					time.Sleep(gr.random(40 * time.Second))
				}
				gr.rebalance()
				time.Sleep(2 * time.Minute) // whoever owed requests has left them out
				calm := max(3, 60/time.Duration(quota)) * time.Minute
				from := time.Now()
				time.Sleep(calm)
				stop()
				gr.checkWindows()
				gr.checkUse(from, calm)
			})
		})
	}
}

// Members of a group with few requests to share sent one each, and right then
// all partitions went to one: it must not send a whole window's worth on top.
func TestRebalanceOfSmallSharesStaysWithinTheQuota(t *testing.T) {
	for _, c := range []struct{ quota, partitions, members int }{{2, 2, 2}, {5, 5, 5}, {20, 5, 5}, {100, 100, 50}, {100, 50, 25}, {400, 100, 100}, {2100, 100, 100}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gr := newGroup(t, 1, c.quota, c.partitions, c.members)
				stop := gr.work()
				split := make([][]int, c.members)
				for i := range c.partitions {
					split[i%c.members] = append(split[i%c.members], i)
				}
				for range 10 {
					for i, g := range gr.gates {
						g.Assign(split[i], c.partitions)
					}
					time.Sleep(gr.random(3 * time.Minute))
					for _, g := range gr.gates {
						g.Assign(nil, c.partitions)
					}
					gr.gates[0].Assign(slices.Concat(split...), c.partitions)
					time.Sleep(gr.random(3 * time.Minute))
					gr.gates[0].Assign(nil, c.partitions)
				}
				stop()
				gr.checkWindows()
			})
		})
	}
}
