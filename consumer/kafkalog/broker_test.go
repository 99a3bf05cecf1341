package kafkalog

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// Partitions may know of a partition that was added after the leaders were cached. If the
// cache said that it does not exist, its topic would count as deleted.
func TestOnlyALeaderIsTakenFromTheCache(t *testing.T) {
	for name, c := range map[string]struct {
		partition int
		age       time.Duration
		want      bool // from the cache; otherwise Kafka is asked, which is not there
	}{
		"a leader":                         {0, 0, true},
		"an old leader":                    {0, 2 * leadersFor, false},
		"none when it was cached":          {1, 0, false},
		"not there when they were cached":  {2, 0, false},
		"a partition of an unknown number": {-1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := alone(t, []string{"127.0.0.1:1"})
			l.leaders.store(consumed, leaders{byPartition: map[int]int32{0: 7, 1: -1}, lookedUp: time.Now().Add(-c.age)})
			id, err := l.leader(soon(t), consumed, c.partition)
			if (err == nil) != c.want || c.want && id != 7 {
				t.Errorf("leader %d, %v", id, err)
			}
			if err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("not asked: %v", err)
			}
		})
	}
}
