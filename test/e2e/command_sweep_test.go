//go:build kafka

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// fails makes n tasks fail at MPC without a failure event, and returns their ids.
func (r *rig) fails(prefix string, n int) (ids []string) {
	r.t.Helper()
	for i := range n {
		ids = append(ids, fmt.Sprintf("%s-%d", prefix, i))
		r.failsOne(ids[i])
	}
	return ids
}

func (r *rig) failsOne(id string) {
	r.t.Helper()
	must(r.t, r.mpc.SetTask(mpcsim.Task{ID: id, ErrorCode: "MPC.10104", Description: "no", UserData: "of " + id}))
}

func keys(records []*kgo.Record) (all []string) {
	for _, rec := range records {
		all = append(all, string(rec.Key))
	}
	slices.Sort(all)
	return all
}

// refuse makes MPC refuse a task for good.
func (r *rig) refuse(id string) {
	r.t.Helper()
	must(r.t, r.mpc.Script(id, mpcsim.Fail(403, "MPC.10212").Repeat(mpcsim.Always)))
}

func TestCommandSweepPublishesWhatNeverArrivedAndRunAgainNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.start().ready()
	refused := r.fails("refused", 20)
	for _, id := range refused {
		r.refuse(id)
		r.publish(event(id))
	}
	r.load("accepted", 20)
	r.waitForAnswers(40, 30*time.Second)
	lost := r.fails("lost", 230)
	slices.Sort(lost)
	before, err := r.ends(r.failed)
	must(t, err)

	r.command(nil, "sweep", "--dry-run").want(t, 0, "230 would be published, 20 known already, 0 skipped (3 requests to MPC)\n", "lost-7\twould be published\tMPC.10104\t")
	if n := len(r.since(before)); n != 0 {
		t.Errorf("a dry run published %d events", n)
	}
	r.command(nil, "sweep", "--limit", "30").want(t, 0, "30 published, ")
	r.command(nil, "sweep").want(t, 0, "200 published, ", "0 skipped")
	got := r.since(before)
	if !slices.Equal(keys(got), lost) {
		t.Fatalf("%d events, want one of each of the %d lost failures", len(got), len(lost))
	}
	var value struct {
		TaskID   string `json:"task_id"`
		Code     string `json:"error_code"`
		UserData string `json:"user_data"`
		EndTime  string `json:"end_time"`
	}
	must(t, json.Unmarshal(got[0].Value, &value))
	if value.TaskID != string(got[0].Key) || value.Code != "MPC.10104" || value.UserData != "of "+value.TaskID || len(value.EndTime) != 14 {
		t.Errorf("%s", got[0].Value)
	}
	r.addPublished(got...)
	r.finishWithoutRepeats(60 * time.Second)
	r.command(nil, "sweep").want(t, 0, "0 published, 20 known already")

	// A task that fails again after its retry is a new failure. Times are in seconds.
	r.collector.mu.Lock()
	var decided time.Time
	for _, o := range r.collector.outcomes {
		if o.DecidedAt.After(decided) {
			decided = o.DecidedAt
		}
	}
	r.collector.mu.Unlock()
	waitFor(t, 5*time.Second, "the next second", func() (bool, string) {
		return time.Now().Truncate(time.Second).After(decided), ""
	})
	r.failsOne("lost-7")
	r.command(nil, "sweep").want(t, 0, "lost-7\t"+r.failed+"\tpartition ", "1 published, 20 known already")
	r.command(nil, "sweep").want(t, 0, "0 published, 21 known already")
}

func TestCommandSweepInterruptedAndKilledAndStartedAgainRepeatsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	lost := r.fails("lost", 1500)
	slices.Sort(lost)
	published := func() int64 {
		ends, err := r.ends(r.failed)
		if err != nil {
			return 0
		}
		return sum(ends)
	}
	for range 2 {
		from := published()
		r.commandUntil(nil, func() bool { return published() > from+200 }, "sweep", "--rate", "500").want(t, 1, "interrupted: run it again", "not looked at yet")
	}
	s := launch(t, "sweep", r.env("HTTP_ADDR", ""), "sweep", "--rate", "500")
	from := published()
	waitFor(t, 30*time.Second, "some to be published", func() (bool, string) { return published() > from+200, s.out.String() })
	s.kill()
	last := r.command(nil, "sweep").want(t, 0, " 0 skipped")
	if got := keys(r.since(map[int32]int64{})); !slices.Equal(got, lost) {
		t.Errorf("%d events, want one of each of the %d lost failures\n%s", len(got), len(lost), last.err)
	}
	r.command(nil, "sweep").want(t, 0, "0 published, 1500 known already")
}

// If the group's offsets were set forward, events were skipped without an answer.
func TestCommandSweepFindsWhatTheGroupHasPassedOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	passed := r.load("passed", 5)
	for _, rec := range passed {
		r.failsOne(string(rec.Key))
	}
	r.command(nil, "sweep").want(t, 0, "0 published, 5 known already")
	ends, err := r.ends(r.failed)
	must(t, err)
	forward := kadm.Offsets{}
	for p, end := range ends {
		forward.AddOffset(r.failed, p, end, -1)
	}
	must(t, r.admin.CommitAllOffsets(r.ctx, r.group, forward))
	r.command(nil, "sweep").want(t, 0, "5 published, 0 known already")
	r.command(nil, "sweep").want(t, 0, "0 published, 5 known already")
}

func TestCommandSweepSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.fails("lost", 1)
	r.command([]string{"MPC_AUTH_TOKEN", "wrong"}, "sweep").want(t, 1, "MPC list: ", "MPC_AUTH_TOKEN")
	r.command([]string{"KAFKA_BROKERS", freeAddress(t)}, "sweep").want(t, 1, "check KAFKA_BROKERS")
	r.command([]string{"MPC_REQUESTS_PER_MINUTE", "10"}, "sweep", "--calls", "11").want(t, 2, "more than MPC_REQUESTS_PER_MINUTE")
	must(t, r.mpc.SetFaults(mpcsim.Faults{RefuseQueries: true}))
	r.command(nil, "sweep").want(t, 1, "mpc:remuxTsk:view")
	must(t, r.mpc.SetFaults(mpcsim.Faults{PerMinute: 1}))
	r.command([]string{"MPC_REQUESTS_PER_MINUTE", "100"}, "sweep").want(t, 0, "1 published")
}
