package pace

import (
	"fmt"
	"slices"
)

// Assignment is what an instance is given by a rebalance.
type Assignment struct {
	Partitions []int // that are this instance's now
	Of         int   // how many partitions the topic has
	// Owners tells, by partition, who may have sent requests as its owner within
	// the last window, the latest owner first. A partition that is missing had none;
	// an empty list means that they are not known, and so does a nil map for all.
	Owners map[int][]string
	// Self is this instance's name among the Owners.
	Self string
}

// Share is how many requests a window the given partitions are worth, of a
// topic with so many, where the whole group may send quota. The shares of all
// partitions add up to the quota exactly, and every member computes the same
// ones, without a word to the others.
func Share(quota int, partitions []int, of int) int {
	sum := 0
	for _, i := range partitions {
		sum += shareOf(quota, i, of)
	}
	return sum
}

func shareOf(quota, partition, of int) int {
	return (partition+1)*quota/of - partition*quota/of
}

// kept are the partitions that were this instance's before, with no other owner
// in between. Those without a share do not count.
func (a Assignment) kept(former Assignment, quota int) []int {
	var kept []int
	for _, p := range a.Partitions {
		owners, owned := a.Owners[p]
		own := !owned || len(owners) > 0 && owners[0] == a.Self // not owned: by nobody, or nothing is known
		if own && former.Of == a.Of && slices.Contains(former.Partitions, p) && shareOf(quota, p, a.Of) > 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// perOwner is how many requests a window must be shared for the headroom to pay
// for one request more: 1 ÷ (1 − headroom), and one for late timers.
const perOwner = 21

// carryOver is how many requests this instance leaves out after a rebalance. Every
// former owner may have sent one just now, the first of a window whose rest is
// ours: together they are ahead of an even pace by one request each. The headroom
// pays for some. One need not be paid for: requests are whole, so the group exceeds
// its quota only if it is ahead by one more.
//
// It is enough that each new owner pays for the former owners of its own
// partitions, or that one pays for those of all partitions; the smaller will do.
func (a Assignment) carryOver(kept []int, quota int) float64 {
	gained := slices.DeleteFunc(slices.Clone(a.Partitions), func(p int) bool { return slices.Contains(kept, p) })
	return a.owedFor(gained, kept, Share(quota, a.Partitions, a.Of), quota)
}

// carriedOver is what the kept partitions may have had this instance leave out since
// they became its own, and which may still be due.
func (a Assignment) carriedOver(kept []int, quota int) float64 {
	return a.owedFor(kept, kept, Share(quota, kept, a.Of), quota)
}

// owedFor is how many requests are left out for the former owners of some of this
// instance's partitions.
func (a Assignment) owedFor(partitions, kept []int, share, quota int) float64 {
	own, all := map[string]bool{}, map[string]bool{}
	if len(kept) > 0 {
		own[a.Self], all[a.Self] = true, true
	}
	for p := range a.Of {
		if shareOf(quota, p, a.Of) == 0 {
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

// ownersOf lists the owners of a partition. If they are not known, it is counted
// as having had one of its own.
func (a Assignment) ownersOf(p int) []string {
	owners, owned := a.Owners[p]
	if a.Owners == nil || owned && len(owners) == 0 {
		return []string{fmt.Sprintf("?%d", p)}
	}
	return owners
}
