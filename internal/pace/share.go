package pace

// Share is how many requests a window the given partitions are worth, of a
// topic with so many, where the whole group may send quota. The shares of all
// partitions add up to the quota exactly, and every member computes the same
// ones, without a word to the others.
func Share(quota int, partitions []int, of int) int {
	sum := 0
	for _, i := range partitions {
		sum += worth(quota, i, of)
	}
	return sum
}

func worth(quota, partition, of int) int {
	return (partition+1)*quota/of - partition*quota/of
}

// enough is how many requests a partition must be worth for the headroom to pay
// for one more: 1 ÷ (1 − headroom), and one for late timers.
const enough = 21

// owed is how many requests a new owner of the partitions must leave out. Each
// may have had an owner of its own that sent a request just now, the first of a
// window whose rest is ours: the group would be above its quota by one request
// for each former owner. Where partitions are worth little, the headroom does
// not pay for that.
func owed(quota int, partitions []int, of int) float64 {
	sum := 0.0
	for _, i := range partitions {
		if n := worth(quota, i, of); n > 0 {
			sum += max(0, 1-float64(n)/enough)
		}
	}
	return sum
}
