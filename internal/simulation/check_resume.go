package simulation

import (
	"maps"
	"slices"
	"time"

	"remux-retrier/consumer"
)

// resumeSlack is how long a generation may take until its first request, beyond the quota's
// intervals: the ledger catches up, a page is read, the first call waits for a commit.
const resumeSlack = 2 * time.Second

// watchResume checks that an instance sends its first request of a new generation within a
// bound: one interval of its share if no other instance has owned its partitions recently,
// and one more for each recent owner. ended is closed with the generation.
func (i *instance) watchResume(ended <-chan struct{}) {
	w, since, began, unwritable := i.w, i.since, i.w.s.now, i.w.unwritable
	if !w.healed || w.s.now < w.disturbedUntil || w.throttles() || w.interval(i.assigned) == 0 && w.quota > 0 {
		return
	}
	others := i.others()
	within := time.Duration(1+others)*w.interval(i.assigned) + resumeSlack
	if w.aftermath.alwaysFails {
		within += longestProbe // their failures may have opened the breaker
	}
	// In the next rebalance nothing is called, and when outcomes can be written again calls
	// resume a little later.
	lasts := func() bool {
		return i.since == since && i.up() && !isClosed(ended) && w.unwritable == unwritable
	}
	whatever := func(*event) bool { return true }
	w.out.after(within, func() {
		if lasts() && i.requestedAt < began && i.hasFresh(began, whatever) {
			w.violate("4: calls resume after a rebalance", "instance %s has sent no request for %v, since its generation with partitions %v began, which had %d other owners lately",
				i.name, w.s.now-began, i.assigned, others)
		}
	})
	// An event in doubt is queried first, and perhaps again when MPC cannot be processing
	// its call any more. Others are called meanwhile.
	if within >= w.timeout || !w.mayQuery {
		return
	}
	w.out.after(within, func() {
		if lasts() && i.calledAt < began && i.hasFresh(began, i.undoubted) {
			w.violate("8: no task holds up another", "instance %s has called for no task for %v, since its generation with partitions %v began", i.name, w.s.now-began, i.assigned)
		}
	})
}

// undoubted: by the commit that the instance has found, no event of the task was called
// for.
func (i *instance) undoubted(e *event) bool {
	return !slices.ContainsFunc(e.task.events, func(e *event) bool {
		at, found := i.found[e.partition]
		metadata, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
		return !found || err != nil || !e.answered() && e.offset < metadata.Called
	})
}

// ownership is a partition's current and former owners.
type ownership struct {
	by     *instance
	since  time.Duration
	former map[*instance]bool // at least those within the quota's window before since
}

// owns notes the current owner of the partitions.
func (i *instance) owns(partitions []int) {
	for _, p := range partitions {
		o := i.w.owned[p]
		switch {
		case o == nil:
			i.w.owned[p] = &ownership{by: i, since: i.w.s.now, former: map[*instance]bool{}}
		case o.by != i:
			if i.w.ownedLong(p) {
				clear(o.former)
			}
			o.former[o.by] = true
			o.by, o.since = i, i.w.s.now
		}
		i.w.owners[p] = i
	}
}

// ownedLong: the partition's owner had owned it for longer than the quota's window at its
// last commit. Then it lists no former owners.
func (w *world) ownedLong(p int) bool {
	return p < len(w.log.last) && w.log.last[p].at-w.owned[p].since >= quotaWindow+time.Second
}

// others counts the former owners of the instance's partitions, including the instance
// itself if it had lost one meanwhile: each may have sent a request just now. If partitions
// were added, there is one more.
func (i *instance) others() (n int) {
	seen := map[*instance]bool{}
	for _, p := range i.assigned {
		if o := i.w.owned[p]; o != nil && !i.w.ownedLong(p) {
			maps.Copy(seen, o.former)
		}
	}
	n = len(seen)
	if i.partitionCount != len(i.w.log.partitions) {
		n++
	}
	return n
}

// longestProbe is the longest time between probes while MPC does not serve.
const longestProbe = 10 * time.Second

// hasFresh: an event has waited for the generation whose task does not back off: it was
// never called, or each call for it had a decisive answer.
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
