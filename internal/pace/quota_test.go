package pace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestGroupNeverExceedsTheQuotaAndUsesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 7))
	for seed := range uint64(20) {
		quota := 1 + int(3000*random.Float64()*random.Float64()*random.Float64()) // small quotas are the difficult ones
		switch seed % 4 {
		case 0:
			quota = 1 + random.IntN(20)
		case 1:
			quota = 1 + random.IntN(120)
		}
		partitions, members := 1+random.IntN([]int{8, 16, 64, 100}[random.IntN(4)]), 1+random.IntN(8)
		for _, unknown := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, quota %d, %d partitions, %d members, owners unknown %v", seed, quota, partitions, members, unknown), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gr := newGroup(t, seed, quota, partitions, members)
					gr.unknown = unknown
					gr.assign(gr.even())
					for range 25 {
						time.Sleep(gr.random([]time.Duration{3 * time.Second, 40 * time.Second, 2 * time.Minute}[gr.below(3)]))
						for len(gr.members) > 1 && gr.below(3) == 0 {
							gr.kill(gr.below(len(gr.members)))
						}
						for len(gr.members) < members && gr.below(3) == 0 {
							gr.join()
						}
						gr.assign(gr.moved([]int{0, 1, 1 + partitions/3, partitions}[gr.below(4)]))
					}
					time.Sleep(2 * time.Minute) // carried-over requests have been skipped by then
					calm := max(3, 60/time.Duration(quota)) * time.Minute
					from := time.Now()
					time.Sleep(calm)
					gr.halt()
					gr.checkWindows()
					gr.checkUse(from, calm)
				})
			})
		}
	}
}

// Members with few requests to share sent one each, and right then all partitions moved to
// one: it must not send a whole window's worth on top.
func TestRebalanceOfSmallSharesStaysWithinTheQuota(t *testing.T) {
	for _, c := range []struct{ quota, partitions, members int }{{2, 2, 2}, {5, 5, 5}, {20, 5, 5}, {100, 100, 50}, {100, 50, 25}, {100, 64, 3}, {400, 100, 100}, {2100, 100, 100}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gr := newGroup(t, 1, c.quota, c.partitions, c.members)
				for range 10 {
					gr.assign(gr.even())
					time.Sleep(gr.random(3 * time.Minute))
					all := make([][]int, c.members)
					all[0] = slices.Concat(gr.even()...)
					gr.assign(all)
					time.Sleep(gr.random(3 * time.Minute))
				}
				gr.halt()
				gr.checkWindows()
			})
		})
	}
}

// A partition that another instance owned for a while is a new one: that owner may have
// sent requests just now. Its former owner may have missed all of this.
func TestAPartitionThatComesBackIsNotKept(t *testing.T) {
	for _, c := range []struct{ quota, partitions int }{{4, 4}, {10, 64}, {100, 100}} {
		for _, asleep := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, asleep meanwhile %v", c, asleep), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gr := newGroup(t, 2, c.quota, c.partitions, 8)
					all := slices.Concat(gr.even()...)
					for range 100 {
						gr.assign(gr.even())
						time.Sleep(gr.random(90 * time.Second))
						only := gr.below(8)
						for i, m := range gr.members {
							m.asleep = asleep && i != only
						}
						left := make([][]int, 8)
						left[only] = all
						gr.assign(left)
						time.Sleep(gr.random(90 * time.Second))
						for _, m := range gr.members {
							m.asleep = false
						}
					}
					gr.halt()
					gr.checkWindows()
				})
			})
		}
	}
}

func TestARebalanceThatMovesNothingPausesNoMember(t *testing.T) {
	for _, c := range []struct{ quota, partitions, members int }{{100, 64, 1}, {100, 64, 3}, {100, 100, 2}, {20, 64, 2}, {0, 64, 2}} {
		for _, unknown := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, owners unknown %v", c, unknown), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gr := newGroup(t, 3, c.quota, c.partitions, c.members)
					gr.unknown = unknown
					gr.assign(gr.even())
					time.Sleep(2 * time.Minute)
					for range 5 {
						time.Sleep(gr.random(20 * time.Second))
						gr.halt()
						began := time.Now()
						gr.assign(gr.even())
						time.Sleep(15 * time.Second)
						for _, m := range gr.members {
							interval := m.gate.quota.interval()
							if took, ok := gr.first(m, began); !ok || took > interval {
								t.Errorf("the first request after %v, with an interval of %v", took, interval)
							}
						}
					}
					gr.halt()
					if c.quota > 0 {
						gr.checkWindows()
					}
				})
			})
		}
	}
}

// Members stop, crash, start and join: each member of the new group sends its first request
// within twice the interval of its share.
func TestAfterAHandOverTheFirstCallComesSoon(t *testing.T) {
	for _, c := range []struct{ quota, partitions, members int }{{100, 64, 1}, {100, 64, 2}, {100, 64, 4}, {100, 100, 3}, {100, 8, 5}, {6000, 64, 8}, {0, 64, 2}} {
		for name, change := range map[string]func(gr *group){
			"one is replaced": func(gr *group) { gr.kill(0); gr.join() },
			"one crashes":     func(gr *group) { gr.kill(gr.below(len(gr.members))) },
			"one joins":       func(gr *group) { gr.join() },
			"all start anew": func(gr *group) {
				for range gr.members {
					gr.kill(0)
					gr.join()
				}
			},
		} {
			if c.members == 1 && name == "one crashes" {
				continue
			}
			t.Run(fmt.Sprintf("%v, %s", c, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					gr := newGroup(t, 4, c.quota, c.partitions, c.members)
					gr.assign(gr.even())
					time.Sleep(2*time.Minute + gr.random(time.Minute))
					change(gr)
					gr.assign(gr.even())
					began := time.Now()
					time.Sleep(time.Minute)
					for _, m := range gr.members {
						interval := m.gate.quota.interval()
						if took, ok := gr.first(m, began); !ok || took > 2*interval {
							t.Errorf("the first request after %v, with an interval of %v", took, interval)
						}
					}
					gr.halt()
					if c.quota > 0 {
						gr.checkWindows()
					}
				})
			})
		}
	}
}

// An instance that owned a partition for a moment skips nothing for it afterwards: the next
// owner skips the requests of the owners before.
func TestAPartitionThatWasOwnedForAMomentLeavesNoDebt(t *testing.T) {
	for _, c := range []struct{ quota, partitions, members int }{{12, 4, 4}, {12, 3, 3}, {100, 64, 3}, {30, 4, 2}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gr := newGroup(t, 5, c.quota, c.partitions, c.members)
				shares := gr.even()
				gr.assign(shares)
				for range 10 {
					time.Sleep(2*time.Minute + gr.random(time.Minute))
					for range 1 + gr.below(3) {
						all := make([][]int, c.members)
						all[0] = slices.Concat(shares...)
						gr.assign(all)
						time.Sleep(gr.random(100 * time.Millisecond))
						gr.assign(shares)
					}
					began, first := time.Now(), gr.members[0]
					time.Sleep(time.Minute)
					interval := first.gate.quota.interval()
					if took, ok := gr.first(first, began); !ok || took > interval {
						t.Errorf("its first request after %v, with an interval of %v", took, interval)
					}
				}
				gr.halt()
				gr.checkWindows()
			})
		})
	}
}
