package pace

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// Another program has left too little of the tenant's quota for long, and ends. The more
// the limit was lowered, the fewer requests there are to learn from.
func TestALimitThatIsRaisedIsUsedSoon(t *testing.T) {
	for _, quota := range []int{0, 100} {
		for _, instances := range []int{1, 3} {
			t.Run(fmt.Sprintf("quota %d, %d instances", quota, instances), func(t *testing.T) {
				for seed := range uint64(5) {
					synctest.Test(t, func(t *testing.T) {
						window := &slidingWindow{limit: 2, window: time.Minute}
						api := &limited{limiter: window, rand: rand.New(rand.NewPCG(seed, 12)), latency: 60 * time.Millisecond}
						defer sharing(t, api, quota, instances)()
						time.Sleep(20 * time.Minute)
						api.mu.Lock()
						window.limit = 30
						api.mu.Unlock()
						minutes := 0
						for ; ; minutes++ {
							if admitted, _ := api.count(time.Minute); admitted >= 25 || minutes == 60 {
								break
							}
						}
						t.Logf("seed %d: %d minutes until it is used", seed, minutes)
						if minutes > 10 {
							t.Errorf("seed %d: %d minutes until it is used", seed, minutes)
						}
					})
				}
			})
		}
	}
}
