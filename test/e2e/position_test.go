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

// Retention deletes unread events. The log and the metric give their exact number,
// and the others are answered.
func TestEventsThatRetentionDeletesUnreadAreCountedAndSaid(t *testing.T) {
	t.Parallel()
	large := bytes.Repeat([]byte("x"), 900_000)
	for name, lose := range map[string]func(r *rig) (s *service){
		"while no instance runs": func(r *rig) *service {
			s := r.start().ready()
			r.load("answered", 30)
			r.waitForAnswers(30, 30*time.Second)
			s.stop()
			r.load("unread", 50)
			r.deleteBefore(60)
			return r.start().ready()
		},
		// At most 64 MiB of events are held; the others stay in Kafka.
		"behind a full look-ahead": func(r *rig) *service {
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
			r := newRig(t, options{partitions: 1})
			s := lose(r)
			var lost float64
			s.waitFor(90*time.Second, "to answer or to miss every event", func() (bool, string) {
				lost = s.scrape().gauge(t, "data_loss_total")
				return r.collector.count()+int(lost) == r.expectedAnswers(), fmt.Sprintf("%d answered, %v lost, of %d", r.collector.count(), lost, r.expectedAnswers())
			})
			gone := 0
			for _, rec := range r.published {
				if r.collector.of(rec) == nil {
					r.expectNoAnswer(rec)
					gone++
				}
			}
			if gone == 0 || gone != int(lost) {
				t.Errorf("%d events are gone, and data_loss_total is %v: no event was deleted unread, or the metric is wrong", gone, lost)
			}
			s.waitForLog(fmt.Sprintf("data loss: retention deleted %d failure events before they were read; raise the retention of %s", gone, r.failed))
			t.Logf("%s: %d of %d events were deleted unread, data_loss_total %v", name, gone, len(r.published), lost)
			r.finishWithoutRepeats(30 * time.Second)
			if n := r.mpc.Counters().Accepted; n != len(r.published)-gone {
				t.Errorf("%d retries were accepted for the %d events that are left", n, len(r.published)-gone)
			}
		})
	}
}

// deleteBefore deletes the records below an offset of the failed topic's first
// partition, as retention does.
func (r *rig) deleteBefore(offset int64) {
	r.t.Helper()
	var to kadm.Offsets
	to.AddOffset(r.failed, 0, offset, -1)
	answers, err := r.admin.DeleteRecords(r.ctx, to)
	if err == nil {
		err = answers.Error()
	}
	must(r.t, err)
}

// The commit's metadata tells which events may have been called. If it is another
// program's or not complete, the log gives the reason, and the events' tasks are
// queried before they are called, so that no accepted retry is repeated.
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
	r := newRig(t, options{partitions: int32(len(kinds))})
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
	r.waitForAnswers(len(kinds), 30*time.Second)
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
	r.waitForAnswers(3*len(kinds), 30*time.Second)
	counted := s.scrape()
	r.finishWithoutRepeats(30 * time.Second)

	queried, called := map[string]bool{}, map[string]bool{}
	for _, q := range r.mpc.Requests()[calls:] {
		for _, task := range q.TaskIDs {
			if q.Operation == mpcsim.Retry && !queried[task] {
				called[task] = true // without a state query before
			}
			queried[task] = queried[task] || q.Operation == mpcsim.Query
		}
	}
	logged := s.warnings("the committed offset has no usable metadata of this service")
	for p, kind := range kinds {
		if o := r.collector.of(failed[p]); o.Reason != "accepted" || r.mpc.Accepted(o.TaskID) != 1 {
			t.Errorf("%s: a failed task was not retried: %s", kind.name, o.record.Value)
		}
		if o := r.collector.of(running[p]); o.Reason != "already_running" || r.mpc.Accepted(o.TaskID) != 0 {
			t.Errorf("%s: a running task was retried: %s", kind.name, o.record.Value)
		}
		if !strings.HasPrefix(logged[p], kind.says) || (kind.says == "") != (logged[p] == "") {
			t.Errorf("%s: the log says %q, want %q", kind.name, logged[p], kind.says)
		}
		for _, rec := range []*kgo.Record{failed[p], running[p]} {
			if task := string(rec.Key); called[task] != (kind.says == "") {
				t.Errorf("%s: task %s was called before it was queried: %v", kind.name, task, called[task])
			}
		}
	}
	for reason, want := range map[string]float64{"foreign": 2, "cut": 1, "damaged": 1} {
		if got := counted.sum("unmarked_commits_total", reason, false); got != want {
			t.Errorf("%v commits are counted as %s, want %v", got, reason, want)
		}
	}
	t.Logf("commit metadata that is not ours or not complete: %v", logged)
}

// warnings returns, by partition, the field "reason" of the log lines whose message
// begins with this text.
func (s *service) warnings(message string) map[int]string {
	reasons := map[int]string{}
	for line := range strings.Lines(s.out.String()) {
		var entry struct {
			Msg       string `json:"msg"`
			Partition int    `json:"partition"`
			Reason    string `json:"reason"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && strings.HasPrefix(entry.Msg, message) {
			reasons[entry.Partition] = entry.Reason
		}
	}
	return reasons
}
