package pace

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestSharesAddUpToTheQuota(t *testing.T) {
	for quota := 1; quota <= 300; quota++ {
		for of := 1; of <= 64; of++ {
			var all []int
			least, most := quota, 0
			for i := range of {
				all = append(all, i)
				n := Share(quota, []int{i}, of)
				least, most = min(least, n), max(most, n)
			}
			if got := Share(quota, all, of); got != quota {
				t.Fatalf("quota %d of %d partitions: all shares add up to %d", quota, of, got)
			}
			if most-least > 1 {
				t.Fatalf("quota %d of %d partitions: shares of %d and of %d", quota, of, least, most)
			}
		}
	}
}

// An instance without a share sends nothing. The log must show that, and when it ends.
func TestAShareOf0IsSaidOnceAndSoIsItsEnd(t *testing.T) {
	g, hook := newGate(t, 2, 1)
	none, all := Assignment{Partitions: []int{0}, TopicPartitions: 4}, Assignment{Partitions: []int{0, 1, 2, 3}, TopicPartitions: 4}
	for _, a := range []Assignment{all, none, none, all, all} {
		g.Assign(a)
	}
	var said []string
	for _, e := range hook.AllEntries() {
		said = append(said, e.Message)
	}
	if len(said) != 2 || !strings.HasPrefix(said[0], "this instance's share of MPC_REQUESTS_PER_MINUTE is 0") || !strings.HasSuffix(said[1], "is no longer 0") {
		t.Errorf("said %q", said)
	}
}

func TestSplitSharesAddUpToTheQuota(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		quota, of, owners := 1+random.IntN(6000), 1+random.IntN(200), 1+random.IntN(5)
		split := make([][]int, owners)
		for i := range of {
			o := random.IntN(owners)
			split[o] = append(split[o], i)
		}
		sum := 0
		for _, partitions := range split {
			sum += Share(quota, partitions, of)
		}
		if sum != quota {
			t.Fatalf("quota %d, %d partitions, %v: the shares add up to %d", quota, of, split, sum)
		}
	}
}
