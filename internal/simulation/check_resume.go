package simulation

import (
	"slices"
	"time"

	"remux-retrier/consumer"
)

// resumeSlack is how long a generation may take beyond the quota's intervals until its
// first request: the ledger catches up, a page is read, the first call waits for a commit.
const resumeSlack = 2 * time.Second

// watchResume has an instance, whose generation has just begun, make its first request
// within a bound: one interval of its share if nobody else has owned its partitions
// lately, and one more for each who has.
func (i *instance) watchResume() {
	w, since, began, unwritable := i.w, i.since, i.w.s.now, i.w.unwritable
	if !w.healed || w.s.now < w.upsetUntil || w.throttles() || !with("resume") || w.interval(i.assigned) == 0 && w.quota > 0 {
		return
	}
	others := i.others()
	within := time.Duration(1+others)*w.interval(i.assigned) + resumeSlack
	if w.calm.cursed {
		within += longestProbe // their failures may have opened the breaker
	}
	// Where outcomes can be written again, calls resume a little later.
	lasts := func() bool { return i.since == since && i.up() && w.unwritable == unwritable }
	whatever := func(*event) bool { return true }
	w.out.after(within, func() {
		if lasts() && i.requestedAt < began && i.hasFresh(began, whatever) {
			w.violate("4: calls resume after a rebalance", "instance %s has sent no request for %v, since its generation with partitions %v began, which had %d other owners lately",
				i.name, w.s.now-began, i.assigned, others)
		}
	})
	// What is in doubt is asked about first, and perhaps again when MPC cannot be at work
	// on it any more. Others are called meanwhile.
	if within >= w.timeout || !w.mayQuery {
		return
	}
	w.out.after(within, func() {
		if lasts() && i.calledAt < began && i.hasFresh(began, i.undoubted) {
			w.violate("8: no task holds up another", "instance %s has called for no task for %v, since its generation with partitions %v began", i.name, w.s.now-began, i.assigned)
		}
	})
}

// undoubted: by the commit that the instance has found, neither the event nor another of
// its task's was called for.
func (i *instance) undoubted(e *event) bool {
	return !slices.ContainsFunc(e.task.events, func(e *event) bool {
		at, found := i.found[e.partition]
		mark, err := consumer.ParseMark(at.Metadata, at.Offset)
		return !found || err != nil || !e.answered() && e.offset < mark.Called
	})
}

// owns takes note of who owns the partitions now, and until when others have.
func (i *instance) owns(partitions []int) {
	w := i.w
	for _, p := range partitions {
		if w.owned[p] == nil {
			w.owned[p] = map[*instance]time.Duration{}
		}
		if former := w.owners[p]; former != nil && former != i {
			w.owned[p][former] = w.s.now
		}
		w.owners[p] = i
	}
}

// othersFor is for how long a former owner is counted: for the quota's window, and a
// little for the commit that names it.
const othersFor = quotaWindow + time.Second

// others counts the former owners of the instance's partitions within the quota's
// window before the last commit, the instance itself among them if it had lost one
// meanwhile: each may have sent a request just now. Where partitions were added, there
// is one more.
func (i *instance) others() (n int) {
	seen := map[*instance]bool{}
	for _, p := range i.assigned {
		for by, until := range i.w.owned[p] {
			if !seen[by] && i.w.log.last[p].at-until < othersFor {
				seen[by] = true
				n++
			}
		}
	}
	if i.of != len(i.w.log.partitions) {
		n++
	}
	return n
}

// longestProbe is how far apart probes are at most while MPC does not serve.
const longestProbe = 10 * time.Second

// hasFresh: an event has waited for the generation whose task was never called, or
// whose last call was answered, so that it does not back off.
func (i *instance) hasFresh(began time.Duration, also func(*event) bool) bool {
	for _, p := range i.assigned {
		if slices.ContainsFunc(i.w.log.partitions[p], func(e *event) bool {
			return !e.answered() && e.task != nil && e.at < began && i.w.owners[p] == i && i.w.served(e) && also(e) &&
				!slices.ContainsFunc(e.task.calls, func(c *call) bool { return !c.decisive() })
		}) {
			return true
		}
	}
	return false
}
