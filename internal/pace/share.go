package pace

import (
	"fmt"
	"slices"
)

// Assignment is what a rebalance assigns to an instance.
type Assignment struct {
	Partitions      []int // now owned by this instance
	TopicPartitions int   // how many the topic has
	// Owners lists for each partition who may have sent requests as its owner within the
	// last window, the latest owner first. A missing partition had no owner. An empty list,
	// or a nil map, means that the owners are unknown.
	Owners map[int][]string
	// Self is this instance's name in Owners.
	Self string
}

// Share returns how many requests per window the given partitions may send, if the whole
// group may send quota. The shares of all of the topic's partitions add up to exactly the
// quota. Every member computes the same shares without communication.
func Share(quota int, partitions []int, topicPartitions int) int {
	sum := 0
	for _, i := range partitions {
		sum += shareOf(quota, i, topicPartitions)
	}
	return sum
}

func shareOf(quota, partition, topicPartitions int) int {
	return (partition+1)*quota/topicPartitions - partition*quota/topicPartitions
}

// kept returns the partitions that this instance owned before, with no other owner in
// between. Partitions without a share do not count.
func (a Assignment) kept(former Assignment, quota int) []int {
	var kept []int
	for _, p := range a.Partitions {
		owners, owned := a.Owners[p]
		own := !owned || len(owners) > 0 && owners[0] == a.Self // without an entry: no former owner, or the owners are unknown
		if own && former.TopicPartitions == a.TopicPartitions && slices.Contains(former.Partitions, p) && shareOf(quota, p, a.TopicPartitions) > 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// perOwner is how many requests per window must be shared before the headroom pays for one
// extra request: 1 ÷ (1 − headroom), plus one for late timers.
const perOwner = 21

// carryOver is how many requests this instance skips after a rebalance. Every former owner
// may have sent one just now, the first of a window whose rest is ours: together they are
// one request each ahead of an even pace. The headroom pays for some. One need not be paid
// for: requests are whole, so the group exceeds its quota only if it is ahead by one more.
//
// It is enough if each new owner pays for the former owners of its own partitions, or if it
// pays for those of all partitions. The smaller of the two applies.
func (a Assignment) carryOver(kept []int, quota int) float64 {
	gained := slices.DeleteFunc(slices.Clone(a.Partitions), func(p int) bool { return slices.Contains(kept, p) })
	return a.skippedFor(gained, kept, Share(quota, a.Partitions, a.TopicPartitions), quota)
}

// carriedOver is what this instance may have carried over for the kept partitions since it
// has owned them, and may still have to skip.
func (a Assignment) carriedOver(kept []int, quota int) float64 {
	return a.skippedFor(kept, kept, Share(quota, kept, a.TopicPartitions), quota)
}

// skippedFor is how many requests are skipped for the former owners of some of this
// instance's partitions.
func (a Assignment) skippedFor(partitions, kept []int, share, quota int) float64 {
	own, all := map[string]bool{}, map[string]bool{}
	if len(kept) > 0 {
		own[a.Self], all[a.Self] = true, true
	}
	for p := range a.TopicPartitions {
		if shareOf(quota, p, a.TopicPartitions) == 0 {
			continue
		}
		for _, owner := range a.ownersOf(p) {
			all[owner] = true
			if slices.Contains(partitions, p) {
				own[owner] = true
			}
		}
	}
	return max(0, min(ahead(len(own), share), ahead(len(all), quota)))
}

func ahead(owners, share int) float64 { return float64(owners-1) - float64(share)/perOwner }

// ownersOf returns the owners of a partition. If they are unknown, it counts as having had
// one owner of its own.
func (a Assignment) ownersOf(p int) []string {
	owners, owned := a.Owners[p]
	if a.Owners == nil || owned && len(owners) == 0 {
		return []string{fmt.Sprintf("?%d", p)}
	}
	return owners
}
