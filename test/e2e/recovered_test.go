//go:build kafka

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// recovery is a recovery as a subscriber reads it.
type recovery struct {
	headers map[string]string
	key     string

	TaskID        string    `json:"task_id"`
	Retries       int       `json:"retries"`
	FirstFailedAt time.Time `json:"first_failed_at"`
	RecoveredAt   time.Time `json:"recovered_at"`
	OutcomeID     string    `json:"outcome_id"`
	UserData      string    `json:"user_data"`
}

// success is MPC's notification of a task's success, as SMN forwards it.
func success(task string) *kgo.Record {
	notification := fmt.Sprintf(`{"event_type":"RemuxComplete","remux_info":{"task_id":%q,"status":"SUCCEED","user_data":"asset of %s"}}`, task, task)
	envelope, err := json.Marshal(map[string]string{"type": "Notification", "message_id": "m-" + task, "message": notification, "timestamp": "2026-11-23T08:00:00Z"})
	if err != nil {
		panic(err)
	}
	return &kgo.Record{Key: []byte(task), Value: envelope}
}

// succeed publishes the notifications of these tasks, each one twice.
func (r *rig) succeed(tasks []*kgo.Record) (first []*kgo.Record) {
	r.t.Helper()
	for range 2 {
		var records []*kgo.Record
		for _, rec := range tasks {
			records = append(records, success(string(rec.Key)))
		}
		r.expectNoAnswer(r.publish(records...)...)
		if first == nil {
			first = records
		}
	}
	return first
}

// recoveries reads the topic up to its current ends.
func (r *rig) recoveries(topic string) (all []recovery) {
	r.t.Helper()
	ends, err := r.ends(topic)
	if err != nil {
		r.t.Fatal(err)
	}
	left := int64(0)
	for _, end := range ends {
		left += end
	}
	client := r.newClient(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	for left > 0 && r.ctx.Err() == nil {
		client.PollFetches(r.ctx).EachRecord(func(rec *kgo.Record) {
			left--
			one := recovery{headers: headersOf(rec), key: string(rec.Key)}
			if err := json.Unmarshal(rec.Value, &one); err != nil {
				r.t.Errorf("%v: %s", err, rec.Value)
			}
			all = append(all, one)
		})
	}
	return all
}

// grown waits until the topic has more than beyond records.
func (r *rig) grown(topic string, beyond int64) (now int64) {
	r.t.Helper()
	waitFor(r.t, 60*time.Second, topic+" to grow", func() (bool, string) {
		ends, err := r.ends(topic)
		now = 0
		for _, end := range ends {
			now += end
		}
		return err == nil && now > beyond, fmt.Sprintf("%d records, %v", now, err)
	})
	return now
}

func TestARetriedTaskThatSucceedsIsToldOnceWhateverDiesBetween(t *testing.T) {
	t.Parallel()
	const tasks, kills = 40, 3
	r := newRig(t, options{partitions: 3, sim: mpcsim.Config{ProcessingFor: 50 * time.Millisecond}})
	topic := r.group + ".recovered"
	r.create(2, topic)
	start := func() *service { return r.start("KAFKA_TOPIC_RECOVERED", topic, "MPC_TIMEOUT", "1s") }
	failed := r.load("task", tasks)
	s := start().ready()
	r.waitForAnswers(tasks, 30*time.Second)

	// What is not written is not committed, so a crash loses nothing.
	r.limit(topic, 100)
	reported := r.succeed(failed[:tasks/2])
	s.waitForLog("raise its max.message.bytes")
	<-time.After(3 * time.Second) // three times the interval of commits
	s.kill()
	at, err := r.committed()
	must(t, err)
	for _, rec := range reported {
		if rec.Offset < at[rec.Partition] {
			t.Errorf("offset %d of partition %d is committed, and the recovery of %s is not written", at[rec.Partition], rec.Partition, rec.Key)
		}
	}
	r.limit(topic, 1_048_588)

	// kill -9 while they are written.
	written := int64(0)
	for i := range kills {
		s := start()
		written = r.grown(topic, written)
		s.kill()
		reported = append(reported, r.succeed(failed[tasks/2+i*tasks/8:tasks/2+(i+1)*tasks/8])...)
	}
	s = start().ready()
	r.grown(topic, written)
	reported = append(reported, r.succeed(failed[tasks/2+kills*tasks/8:])...)
	others := []*kgo.Record{{Key: []byte("never-failed")}, {Key: []byte("neither")}}
	r.succeed(others)
	r.grown(topic, tasks-1)
	s.waitFor(20*time.Second, "to count them", func() (bool, string) {
		_, body := s.get("/metrics")
		return strings.Contains(body, fmt.Sprintf("remux_retrier_accepted_retries{result=\"recovered\"} %d\n", tasks)), ""
	})
	r.finish(60 * time.Second)
	r.acceptedAtMostOnce(t, failed)
	r.checkRecoveries(topic, failed, reported)
}

// checkRecoveries checks the account: one recovery for each task, from the first event that
// reported its success; there may only be repeats of that one.
func (r *rig) checkRecoveries(topic string, failed, reported []*kgo.Record) {
	t := r.t
	t.Helper()
	found, repeats := map[string]recovery{}, 0
	for _, one := range r.recoveries(topic) {
		if first, known := found[one.TaskID]; known {
			repeats++
			if first.headers["ce_id"] != one.headers["ce_id"] {
				t.Errorf("task %s has recovered twice: %s, %s", one.TaskID, first.headers["ce_id"], one.headers["ce_id"])
			}
			continue
		}
		found[one.TaskID] = one
	}
	first := map[string]*kgo.Record{}
	for _, rec := range reported {
		first[string(rec.Key)] = rec
	}
	for _, rec := range failed {
		task := string(rec.Key)
		one, by := found[task], first[task]
		id := fmt.Sprintf("%s:%d:%d:%d", by.Topic, by.Partition, by.Offset, by.Timestamp.UnixMilli())
		outcome := r.collector.of(rec)
		switch {
		case one.key != task || one.headers["ce_subject"] != task || one.headers["ce_type"] != "remux.recovered" || one.headers["ce_id"] != id:
			t.Errorf("task %s: key %q, headers %v, want the ce_id %s", task, one.key, one.headers, id)
		case one.OutcomeID != outcome.headers["ce_id"] || one.Retries != 1 || one.UserData != "asset of "+task:
			t.Errorf("task %s: %+v, its outcome is %s", task, one, outcome.headers["ce_id"])
		case one.FirstFailedAt.UnixMilli() != rec.Timestamp.UnixMilli() || one.RecoveredAt.UnixMilli() != by.Timestamp.UnixMilli():
			t.Errorf("task %s: %+v, failed at %v, succeeded at %v", task, one, rec.Timestamp, by.Timestamp)
		}
	}
	if len(found) != len(failed) {
		t.Errorf("%d tasks have recovered, %d were retried", len(found), len(failed))
	}
	t.Logf("%d recoveries, %d of them repeated after kill -9", len(found), repeats)
}

// Without KAFKA_TOPIC_RECOVERED, the default, nothing is read, written or required.
func TestWithoutTheTopicSuccessesAreIgnored(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{ProcessingFor: 50 * time.Millisecond}})
	failed := r.load("task", 5)
	s := r.start().ready()
	r.waitForAnswers(5, 30*time.Second)
	r.succeed(failed)
	s.waitFor(10*time.Second, "to ignore them", func() (bool, string) {
		at, err := r.committed()
		return err == nil && at[0] == 15, fmt.Sprint(at, err)
	})
	if status, body := s.get("/metrics"); status != 200 || strings.Contains(body, "accepted_retries") {
		t.Errorf("status %d, and what became of the retries is told", status)
	}
	r.finishWithoutRepeats(30 * time.Second)
}
