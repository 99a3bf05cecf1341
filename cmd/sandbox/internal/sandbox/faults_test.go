package sandbox

import (
	"io"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

func newActiveFault(t *testing.T) *activeFault {
	t.Helper()
	always := mpcsim.Faults{Latency: time.Millisecond}
	mpc, err := mpcsim.New(mpcsim.Config{ProjectID: projectID, AccessKey: accessKey, SecretKey: secretKey, Faults: always})
	if err != nil {
		t.Fatal(err)
	}
	p := newPrinter(io.Discard)
	return &activeFault{mpc: mpc, always: always, printer: p, checker: newChecker(p, nil, true)}
}

func TestEachFaultComesAndGoesAndWhatIsAlwaysStays(t *testing.T) {
	for _, f := range catalogue {
		a := newActiveFault(t)
		a.toggle(faultNamed(f.name))
		if now, since := a.current(); now != faultNamed(f.name) || since.IsZero() || a.mpc.Faults() == a.always {
			t.Errorf("%s is not active", f.name)
		}
		if a.checker.exact {
			t.Errorf("%s: calls are still counted exactly", f.name)
		}
		a.toggle(faultNamed(f.name))
		if now, _ := a.current(); now != nil || a.mpc.Faults() != a.always {
			t.Errorf("%s is still active: %+v", f.name, a.mpc.Faults())
		}
	}
}

func TestAnotherKeyReplacesTheFault(t *testing.T) {
	a := newActiveFault(t)
	a.toggle(faultNamed("down"))
	a.toggle(faultNamed("slow"))
	if f := a.mpc.Faults(); f.Outage != mpcsim.NoOutage || f.Latency != a.always.Latency+slower {
		t.Errorf("active: %+v", f)
	}
}

func TestAKeyEndsTheScheduleOfFault(t *testing.T) {
	a := newActiveFault(t)
	if !a.setScheduled(faultNamed("down")) {
		t.Fatal("the schedule is not followed")
	}
	a.toggle(faultNamed("slow"))
	if a.setScheduled(nil) {
		t.Error("the schedule goes on")
	}
	if now, _ := a.current(); now != faultNamed("slow") {
		t.Errorf("%v is active", now)
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
		"accepted, no answer lost":       {accepted, facts{noQueries: true}, false},
		"rejected, states not known":     {refused("rejected"), facts{noQueries: true}, true},
		"rejected, states known":         {refused("rejected"), facts{lost: true}, false},
		"canceled, states not known":     {refused("not_retryable"), facts{noQueries: true}, true},
		"skipped, which costs no call":   {want{kind: retryFailed, reason: "not_retryable"}, facts{noQueries: true}, false},
		"not found, which its code says": {refused("task_not_found"), facts{noQueries: true, lost: true}, false},
	} {
		c.facts.answer, c.facts.done = running, c.want.done
		s := &sent{example: example{want: c.want}}
		if got := len(s.problems(c.facts, false)) == 0; got != c.right {
			t.Errorf("%s: right is %v", name, got)
		}
	}
}
