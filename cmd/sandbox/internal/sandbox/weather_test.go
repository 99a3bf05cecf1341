package sandbox

import (
	"io"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

func newWeather(t *testing.T) *weather {
	t.Helper()
	always := mpcsim.Faults{Latency: time.Millisecond}
	mpc, err := mpcsim.New(mpcsim.Config{ProjectID: projectID, AccessKey: accessKey, SecretKey: secretKey, Faults: always})
	if err != nil {
		t.Fatal(err)
	}
	p := newPaper(io.Discard)
	return &weather{mpc: mpc, always: always, paper: p, board: newBoard(p, nil, true)}
}

func TestEachFaultComesAndGoesAndWhatIsAlwaysStays(t *testing.T) {
	for _, f := range catalogue {
		w := newWeather(t)
		w.toggle(named(f.name))
		if now, since := w.now(); now != named(f.name) || since.IsZero() || w.mpc.Faults() == w.always {
			t.Errorf("%s is not in force", f.name)
		}
		if w.board.exact {
			t.Errorf("%s: calls are still counted exactly", f.name)
		}
		w.toggle(named(f.name))
		if now, _ := w.now(); now != nil || w.mpc.Faults() != w.always {
			t.Errorf("%s is in force still: %+v", f.name, w.mpc.Faults())
		}
	}
}

func TestAnotherKeyReplacesTheFault(t *testing.T) {
	w := newWeather(t)
	w.toggle(named("down"))
	w.toggle(named("slow"))
	if f := w.mpc.Faults(); f.Outage != mpcsim.NoOutage || f.Latency != w.always.Latency+slower {
		t.Errorf("in force: %+v", f)
	}
}

func TestAKeyEndsTheScheduleOfFault(t *testing.T) {
	w := newWeather(t)
	if !w.scheduled(named("down")) {
		t.Fatal("the schedule is not followed")
	}
	w.toggle(named("slow"))
	if w.scheduled(nil) {
		t.Error("the schedule goes on")
	}
	if now, _ := w.now(); now != named("slow") {
		t.Errorf("%v is in force", now)
	}
}

func TestAlreadyRunningIsRightOnlyWhereAFaultExplainsIt(t *testing.T) {
	running := &answer{kind: retried, reason: "already_running"}
	for name, c := range map[string]struct {
		want  want
		facts facts
		right bool
	}{
		"accepted, answer lost":          {accepted, facts{lost: true}, true},
		"accepted, no answer lost":       {accepted, facts{blind: true}, false},
		"rejected, states not known":     {refused("rejected"), facts{blind: true}, true},
		"rejected, states known":         {refused("rejected"), facts{lost: true}, false},
		"canceled, states not known":     {refused("not_retryable"), facts{blind: true}, true},
		"skipped, which costs no call":   {want{kind: retryFailed, reason: "not_retryable"}, facts{blind: true}, false},
		"not found, which its code says": {refused("task_not_found"), facts{blind: true, lost: true}, false},
	} {
		c.facts.answer, c.facts.done = running, c.want.done
		s := &sent{scene: scene{want: c.want}}
		if got := len(s.complaints(c.facts, false)) == 0; got != c.right {
			t.Errorf("%s: right is %v", name, got)
		}
	}
}
