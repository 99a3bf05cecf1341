package simulation

import (
	"maps"
	"slices"

	"remux-retrier/consumer"
)

// committed: the instance's commit is stored. Everything below it must be answered.
func (i *instance) committed(positions map[int]consumer.Position) {
	w := i.w
	for _, p := range slices.Sorted(maps.Keys(positions)) {
		at := positions[p]
		metadata, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
		if err != nil {
			w.violate("commits have metadata", "instance %s commits %q: %v", i.name, at.Metadata, err)
			return
		}
		i.tell("commits %d/%d %s", p, at.Offset, at.Metadata)
		if p >= len(w.log.partitions) {
			continue
		}
		w.checkAnswered(i, p, w.log.verified[p], at.Offset)
		w.checkMetadata(i, p, metadata)
		w.log.last[p] = commit{by: i, at: w.s.now}
		delete(w.expired, p)
		w.log.verified[p] = max(w.log.verified[p], at.Offset)
		for _, done := range metadata.Done {
			w.checkAnswered(i, p, done.From, done.To)
		}
	}
}

func (w *world) checkAnswered(i *instance, p int, from, to int64) {
	records := w.log.partitions[p]
	for o := from; o < min(to, int64(len(records))); o++ {
		if !records[o].answered() {
			w.violate("1: no event is lost", "instance %s commits that event %d/%d (%s) is done, but it has no answer", i.name, p, o, records[o].value)
			return
		}
		if e := records[o]; e != nil {
			e.committed = true
			w.checkDue(i, e)
		}
	}
}

// checkMetadata: the partition's next owner must learn from the commit of every call whose
// effect is not published. If duplicates wait, it is unknown which of them was called for,
// but not one before the first.
func (w *world) checkMetadata(i *instance, p int, metadata consumer.CommitMetadata) {
	for _, t := range w.mpc.tasks {
		for _, c := range t.calls {
			harmless := c.settled || c.ended && !c.decisive() && !c.lost()
			if harmless || c.log != w.log || c.seq < w.expiredAt || len(c.unanswered) == 0 {
				continue
			}
			noted := func(e *event) bool { return e.partition != p || e.answered() || e.offset < metadata.Called }
			if !slices.ContainsFunc(c.unanswered, noted) {
				w.violate("3: each commit covers every call", "instance %s commits for partition %d that nothing from %d on was called, but event %d was called for by %s (call %d)",
					i.name, p, metadata.Called, c.unanswered[0].offset, c.by.name, c.n)
			}
		}
	}
}

// checkDone: the instance must not answer what it has found committed as done. A recreated
// topic is read from its beginning, whatever was committed.
func (w *world) checkDone(i *instance, e *event, a *attempt) {
	at, known := i.found[e.partition]
	if !known || a.since != i.since || !w.log.first {
		return
	}
	metadata, _ := consumer.ParseCommitMetadata(at.Metadata, at.Offset) // unreadable metadata has nothing done
	done := slices.ContainsFunc(metadata.Done, func(d consumer.Interval) bool { return d.From <= e.offset && e.offset < d.To })
	if done || e.offset < at.Offset {
		w.violate("3: what is committed is done", "instance %s answers event %d/%d, which is committed as done", i.name, e.partition, e.offset)
	}
}
