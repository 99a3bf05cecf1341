//go:build kafka

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// Retention deletes events that nobody has read yet. What is gone is said and
// counted to the event, and what is left is answered.
func TestEventsThatRetentionDeletesUnreadAreCountedAndSaid(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 900_000)
	for name, lose := range map[string]func(r *room) (s *service){
		"while nobody runs": func(r *room) *service {
			s := r.start().ready()
			r.load("answered", 30)
			r.answered(30, 30*time.Second)
			s.stop()
			r.load("unread", 50)
			r.deleteBefore(60)
			return r.start().ready()
		},
		// 64 MiB of events are held at most; the rest waits in Kafka.
		"behind a full look-ahead": func(r *room) *service {
			must(r.t, r.mpc.SetFaults(mpcsim.Faults{Outage: mpcsim.Down}))
			for i := range 90 {
				task := fmt.Sprintf("large-%d", i)
				r.publish(&kgo.Record{Key: []byte(task), Value: fmt.Appendf(nil, `{"task_id":%q,"padding":"%s"}`, task, large)})
			}
			s := r.start().ready()
			var before float64
			still := 0
			s.waitFor(90*time.Second, "to read no further for a second", func() (bool, string) {
				held := s.scrape().sum("waiting", "", false)
				if still++; held != before {
					before, still = held, 0
				}
				return held > 0 && still >= 20, fmt.Sprint(held)
			})
			r.deleteBefore(89)
			must(r.t, r.mpc.SetFaults(mpcsim.Faults{}))
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := enter(t, options{partitions: 1})
			s := lose(r)
			var lost float64
			s.waitFor(90*time.Second, "to answer or to miss every event", func() (bool, string) {
				lost = s.scrape().gauge(t, "data_loss_total")
				return r.collector.count()+int(lost) == r.owed(), fmt.Sprintf("%d answered, %v lost, of %d", r.collector.count(), lost, r.owed())
			})
			gone := 0
			for _, rec := range r.asked {
				if r.collector.of(rec) == nil {
					r.ignored(rec)
					gone++
				}
			}
			if gone == 0 || gone != int(lost) {
				t.Errorf("%d events are gone, and data_loss_total is %v: the test shows nothing, or the metric is wrong", gone, lost)
			}
			s.says(fmt.Sprintf("data loss: retention deleted %d failure events before they were read; raise the retention of %s", gone, r.failed))
			t.Logf("%s: %d of %d events were deleted unread, data_loss_total %v", name, gone, len(r.asked), lost)
			r.quiet(30 * time.Second)
			if n := r.mpc.Counters().Accepted; n != len(r.asked)-gone {
				t.Errorf("%d retries were accepted for the %d events that are left", n, len(r.asked)-gone)
			}
		})
	}
}

// deleteBefore deletes what stands below an offset of the failed topic's first
// partition, as retention does.
func (r *room) deleteBefore(offset int64) {
	r.t.Helper()
	var to kadm.Offsets
	to.AddOffset(r.failed, 0, offset, -1)
	answers, err := r.admin.DeleteRecords(r.ctx, to)
	if err == nil {
		err = answers.Error()
	}
	must(r.t, err)
}

// The text beside a committed offset tells what may have been called. Where it
// is somebody else's or not whole, that is said, and why; the events are asked
// about before they are called, so that the retry that one of them has had is
// not repeated.
func TestCommitMetadataThatIsNotOursOrCutIsToldApart(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name string
		text func(ours string) string
		says string
	}{
		{"an operator's reset", func(string) string { return "" }, "the commit has no metadata of this service"},
		{"another program's", func(string) string { return "next=17;owner=mirror" }, "the commit has no metadata of this service"},
		{"cut", func(ours string) string { return ours[:len(ours)-8] }, "the commit's metadata is truncated after"},
		{"damaged", func(ours string) string { return strings.Replace(ours, "clean", "called=x", 1) }, "the commit's metadata is damaged"},
		{"ours", func(ours string) string { return ours }, ""},
	}
	r := enter(t, options{partitions: int32(len(kinds))})
	byHand := r.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	publish := func(p int, task string) *kgo.Record {
		rec := event(task)
		rec.Partition = int32(p)
		return r.publishWith(byHand, rec)[0]
	}
	for p := range kinds {
		publish(p, fmt.Sprintf("before-%d", p))
	}
	s := r.start().ready()
	r.answered(len(kinds), 30*time.Second)
	s.stop()

	answers, err := r.admin.FetchOffsetsForTopics(r.ctx, r.group, r.failed)
	must(t, err)
	var offsets kadm.Offsets
	for p, kind := range kinds {
		at, _ := answers.Lookup(r.failed, int32(p))
		at.Metadata = kind.text(at.Metadata)
		offsets.Add(at.Offset)
	}
	must(t, r.admin.CommitAllOffsets(r.ctx, r.group, offsets))
	var failed, running []*kgo.Record
	for p := range kinds {
		failed = append(failed, publish(p, fmt.Sprintf("failed-%d", p)))
		task := fmt.Sprintf("running-%d", p)
		must(t, r.mpc.SetTask(mpcsim.Task{ID: task, Status: mpcsim.StatusSucceed}))
		running = append(running, publish(p, task))
	}
	calls := len(r.mpc.Requests())
	s = r.start("MPC_TIMEOUT", "1s").ready()
	r.answered(3*len(kinds), 30*time.Second)
	counted := s.scrape()
	r.quiet(30 * time.Second)

	asked, called := map[string]bool{}, map[string]bool{}
	for _, q := range r.mpc.Requests()[calls:] {
		for _, task := range q.TaskIDs {
			if q.Operation == mpcsim.Retry && !asked[task] {
				called[task] = true // before anybody asked
			}
			asked[task] = asked[task] || q.Operation == mpcsim.Query
		}
	}
	said := s.warnings("the committed offset has no metadata of this service")
	for p, kind := range kinds {
		if o := r.collector.of(failed[p]); o.Reason != "accepted" || r.mpc.Accepted(o.TaskID) != 1 {
			t.Errorf("%s: a failed task is to be retried: %s", kind.name, o.record.Value)
		}
		if o := r.collector.of(running[p]); o.Reason != "already_running" || r.mpc.Accepted(o.TaskID) != 0 {
			t.Errorf("%s: a task that runs is not to be retried: %s", kind.name, o.record.Value)
		}
		if !strings.HasPrefix(said[p], kind.says) || (kind.says == "") != (said[p] == "") {
			t.Errorf("%s: the log says %q, want %q", kind.name, said[p], kind.says)
		}
		for _, rec := range []*kgo.Record{failed[p], running[p]} {
			if task := string(rec.Key); called[task] != (kind.says == "") {
				t.Errorf("%s: task %s was called before it was asked about: %v", kind.name, task, called[task])
			}
		}
	}
	for reason, want := range map[string]float64{"foreign": 2, "cut": 1, "damaged": 1} {
		if got := counted.sum("unmarked_commits_total", reason, false); got != want {
			t.Errorf("%v commits are counted as %s, want %v", got, reason, want)
		}
	}
	t.Logf("commit metadata that is not ours or not whole: %v", said)
}

// warnings are the reasons that the service gave for a message that it logged,
// by partition.
func (s *service) warnings(message string) map[int]string {
	reasons := map[int]string{}
	for line := range strings.Lines(s.out.String()) {
		var said struct {
			Msg       string `json:"msg"`
			Partition int    `json:"partition"`
			Reason    string `json:"reason"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && strings.HasPrefix(said.Msg, message) {
			reasons[said.Partition] = said.Reason
		}
	}
	return reasons
}
