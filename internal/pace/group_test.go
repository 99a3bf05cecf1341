package pace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// group is a consumer group: its members share the partitions of one topic and send as much
// as they may. It records when requests were sent.
type group struct {
	t         *testing.T
	rand      *rand.Rand
	quota, of int
	members   []*member
	joined    int
	owners    []ownership // by partition
	unknown   bool        // the members are not told the owners

	mu   sync.Mutex
	sent []request
}

type request struct {
	at time.Time
	by *member
}

type member struct {
	name  string
	gate  *Gate
	split []int
	stop  func()
	// asleep: it was stopped from outside and misses what the group does.
	asleep bool
}

// ownership is what commits tell about a partition: its owner, since when, and the owners
// before, which count for one window.
type ownership struct {
	owner  string
	since  time.Time
	before []string
}

func newGroup(t *testing.T, seed uint64, quota, partitions, members int) *group {
	gr := &group{t: t, rand: rand.New(rand.NewPCG(seed, 5)), quota: quota, of: partitions, owners: make([]ownership, partitions)}
	for range members {
		gr.join()
	}
	return gr
}

// join adds a member that has no partition yet.
func (gr *group) join() {
	g, _ := newGate(gr.t, gr.quota, 16)
	gr.members = append(gr.members, &member{name: fmt.Sprint("m", gr.joined), gate: g})
	gr.joined++
}

// kill removes a member, which owned its partitions until then.
func (gr *group) kill(i int) {
	if m := gr.members[i]; m.stop != nil {
		m.stop()
	}
	gr.members = slices.Delete(gr.members, i, i+1)
}

// assign gives each member its partitions: all stop, then all start. Each gets the list of
// former owners.
func (gr *group) assign(split [][]int) {
	gr.halt()
	owners := map[int][]string{}
	for p, o := range gr.owners {
		if o.owner != "" {
			owners[p] = []string{o.owner}
			if time.Since(o.since) < time.Minute {
				owners[p] = append(owners[p], o.before...)
			}
		}
	}
	if gr.unknown {
		owners = nil
	}
	for i, m := range gr.members {
		if m.split = split[i]; m.asleep {
			continue
		}
		m.gate.Assign(Assignment{Partitions: split[i], TopicPartitions: gr.of, Owners: owners, Self: m.name})
		for _, p := range split[i] {
			before := slices.DeleteFunc(slices.Clone(owners[p]), func(o string) bool { return o == m.name })
			gr.owners[p] = ownership{m.name, time.Now(), before}
		}
		m.stop = m.gate.busy(16, func() (Result, time.Duration) { return gr.call(m) })
	}
}

// halt makes all members stop calling.
func (gr *group) halt() {
	for _, m := range gr.members {
		if m.stop != nil {
			m.stop()
			m.stop = nil
		}
	}
}

func (gr *group) call(m *member) (Result, time.Duration) {
	gr.mu.Lock()
	gr.sent = append(gr.sent, request{time.Now(), m})
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

func (gr *group) below(n int) int { return int(gr.random(time.Duration(n))) }

// even assigns the partitions in turn.
func (gr *group) even() [][]int {
	split := make([][]int, len(gr.members))
	for p := range gr.of {
		split[p%len(split)] = append(split[p%len(split)], p)
	}
	return split
}

// moved is the current split with some of the partitions given to another member, and all
// those without an owner.
func (gr *group) moved(n int) [][]int {
	split, had := make([][]int, len(gr.members)), make([]int, gr.of)
	for p := range had {
		had[p] = slices.IndexFunc(gr.members, func(m *member) bool { return slices.Contains(m.split, p) })
		if had[p] < 0 || gr.below(gr.of) < n {
			had[p] = gr.below(len(gr.members))
		}
		split[had[p]] = append(split[had[p]], p)
	}
	return split
}

// first is how long after the given time a member sent its first request.
func (gr *group) first(m *member, since time.Time) (after time.Duration, ok bool) {
	gr.mu.Lock()
	defer gr.mu.Unlock()
	for _, r := range gr.sent {
		if r.by == m && !r.at.Before(since) {
			return r.at.Sub(since), true
		}
	}
	return 0, false
}

// checkWindows: no minute, wherever it starts, has more requests than the quota.
func (gr *group) checkWindows() {
	gr.t.Helper()
	slices.SortFunc(gr.sent, func(a, b request) int { return a.at.Compare(b.at) })
	for i := gr.quota; i < len(gr.sent); i++ {
		if took := gr.sent[i].at.Sub(gr.sent[i-gr.quota].at); took < time.Minute {
			gr.t.Fatalf("%d requests within %v from %v on", gr.quota+1, took, gr.sent[i-gr.quota].at.Sub(gr.sent[0].at))
		}
	}
}

// checkUse: in the given length of time after from, at least nine tenths of the quota were
// used.
func (gr *group) checkUse(from time.Time, length time.Duration) {
	gr.t.Helper()
	n := 0
	for _, r := range gr.sent {
		if !r.at.Before(from) && r.at.Before(from.Add(length)) {
			n++
		}
	}
	if want := 0.9 * float64(gr.quota) * length.Minutes(); float64(n) < want {
		gr.t.Errorf("%d requests in a calm period of %v, want at least %.0f", n, length, want)
	}
}
