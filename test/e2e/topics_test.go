//go:build kafka

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMissingTopicsAreNamedAndEndWith1(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{noTopics: true})
	r.create(1, r.failed, r.retried)
	s := r.start()
	if code := s.exitCode(30 * time.Second); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	says := s.out.String()
	for topic, missing := range map[string]bool{r.failed: false, r.retried: false, r.retryFailed: true, r.deadLetter: true} {
		if (strings.Contains(says, topic+",") || strings.Contains(says, topic+";")) != missing {
			t.Errorf("topic %s (missing: %v) in %s", topic, missing, says)
		}
	}
}

func TestMissingTopicsAreCreatedWhereThatIsConfigured(t *testing.T) {
	t.Parallel()
	for name, existing := range map[string]int32{"all missing": 0, "the failed topic has 3 partitions": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{noTopics: true})
			partitions := 8
			if existing > 0 {
				partitions = int(existing)
				r.create(existing, r.failed)
			}
			r.start("KAFKA_CREATE_TOPICS", "true").ready()
			days := map[string]int{r.retried: 7, r.retryFailed: 7, r.deadLetter: 30}
			for _, topic := range []string{r.failed, r.retried, r.retryFailed, r.deadLetter} {
				ends, err := r.ends(topic)
				if err != nil || len(ends) != partitions {
					t.Errorf("%s has %d partitions (%v), want %d", topic, len(ends), err, partitions)
				}
				if days[topic] == 0 {
					continue
				}
				want := fmt.Sprint((time.Duration(days[topic]) * 24 * time.Hour).Milliseconds())
				if got := r.setting(topic, "retention.ms"); got != want {
					t.Errorf("%s: retention.ms is %s, want %s", topic, got, want)
				}
			}
			r.load("task", 20)
			r.publish(&kgo.Record{Value: []byte("garbage")})
			r.finishWithoutRepeats(30 * time.Second)
		})
	}
}

func (r *rig) setting(topic, name string) string {
	r.t.Helper()
	described, err := r.admin.DescribeTopicConfigs(r.ctx, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range described[0].Configs {
		if c.Key == name {
			return c.MaybeValue()
		}
	}
	return ""
}

// The new topic ends below, at, or above the position in the old one. If the
// position were kept, the last case would silently skip records.
func TestATopicThatIsRecreatedIsReadFromItsBeginning(t *testing.T) {
	for _, records := range []int{30, 100, 400} {
		t.Run(fmt.Sprintf("with %d records", records), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{partitions: 1})
			s := r.start().ready()
			old := r.load("old", 100)
			r.waitForAnswers(len(old), 30*time.Second)
			waitFor(t, 10*time.Second, "the old topic to be committed", func() (bool, string) {
				at, err := r.committed()
				return err == nil && at[0] == int64(len(old)), fmt.Sprint(at, err)
			})
			if _, err := r.admin.DeleteTopic(r.ctx, r.failed); err != nil {
				t.Fatal(err)
			}
			r.create(1, r.failed)
			// Until a busy broker has applied it, records go into the old log.
			waitFor(t, 20*time.Second, "the new topic's empty log", func() (bool, string) {
				ends, err := r.ends(r.failed)
				return err == nil && len(ends) == 1 && ends[0] == 0, fmt.Sprint(ends, err)
			})
			r.publishAnew(records)
			r.waitForAnswers(len(old)+records, 60*time.Second)
			s.ready()
			r.finishWithoutRepeats(30 * time.Second)
			r.calledOnce(t, len(old)+records)
		})
	}
}

// publishAnew publishes n events with a new producer, which does not know the old
// topic.
func (r *rig) publishAnew(n int) {
	r.t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = event(fmt.Sprintf("new-%d", i))
	}
	r.publishWith(r.newClient(), records...)
}

func TestEventsInAddedPartitionsAreAnsweredSoon(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 2})
	r.start().ready()
	r.load("before", 50)
	r.waitForAnswers(50, 30*time.Second)
	if _, err := r.admin.UpdatePartitions(r.ctx, 5, r.failed); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 10*time.Second, "the new partitions", func() (bool, string) {
		ends, err := r.ends(r.failed)
		return err == nil && len(ends) == 5, fmt.Sprint(ends, err)
	})
	began := time.Now()
	byHand := r.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for p := range int32(5) {
		rec := event(fmt.Sprintf("after-%d", p))
		rec.Partition = p
		r.publishWith(byHand, rec)
	}
	r.waitForAnswers(55, 25*time.Second)
	t.Logf("events in added partitions were answered after %v", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	r.finishWithoutRepeats(20 * time.Second)
	r.calledOnce(t, 55)
}
