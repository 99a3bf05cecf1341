package pace

import (
	"fmt"
	"sync"
	"testing"
)

// BenchmarkRequest measures a request at the gate without a quota, with fewer callers than
// permits and with more.
func BenchmarkRequest(b *testing.B) {
	for _, callers := range []int{1, 32, 256} {
		b.Run(fmt.Sprintf("%d callers of 64", callers), func(b *testing.B) {
			b.ReportAllocs()
			g, _ := newGate(b, 0, 64)
			g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 1})
			requests := make(chan struct{}, b.N)
			for range b.N {
				requests <- struct{}{}
			}
			close(requests)
			b.ResetTimer()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for range requests {
						if _, err := g.request(b.Context(), served); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		})
	}
}
