//go:build kafka

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// While instances are killed and started, every event below the committed offset
// must have been answered.
func TestInvariant1NoEventIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 3, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 50 * time.Millisecond}}})
	stop := r.publishSteadily(5 * time.Millisecond)
	for range 3 {
		s := r.start("MPC_TIMEOUT", "1s").ready()
		have := r.collector.count()
		r.waitForAnswers(have+100, 30*time.Second)
		r.committedIsAnswered()
		s.kill()
		r.committedIsAnswered()
	}
	all := stop()
	r.start("MPC_TIMEOUT", "1s").ready()
	t.Logf("after 3 crashes: %d answers were repeated", len(r.finish(60*time.Second)))
	r.acceptedAtMostOnce(t, all)
	if n := r.collector.reasons(); n["accepted"]+n["already_running"] != len(all) {
		t.Errorf("%d events, answered %v: want accepted or already_running", len(all), n)
	}
}

// Outcomes without an acknowledgement hold the offsets back, so a crash loses
// none of them.
func TestInvariant1NothingIsCommittedBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	const events = 20
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{ProcessingFor: time.Hour}})
	r.limit(r.retried, 200) // less than an outcome
	all := r.load("task", events)
	s := r.start("MPC_TIMEOUT", "1s") // it does not stay ready
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, events))
	<-time.After(3 * time.Second) // three times the interval of commits
	if at, err := r.committed(); err != nil || at[0] > 0 {
		t.Errorf("committed %v (%v) with no outcome acknowledged", at, err)
	}
	s.kill()
	r.limit(r.retried, 1_048_588)
	r.start("MPC_TIMEOUT", "1s").ready()
	r.finish(60 * time.Second)
	r.acceptedAtMostOnce(t, all)
	if n := r.collector.reasons(); n["already_running"] != events {
		t.Errorf("outcomes %v: the %d calls before the crash were all accepted", n, events)
	}
}

// committedIsAnswered reads the committed offsets, then the answers, and checks
// that each event below the offsets is answered.
func (r *rig) committedIsAnswered() {
	r.t.Helper()
	at, err := r.committed()
	if err != nil {
		r.t.Fatal(err)
	}
	r.readAll()
	r.mu.Lock()
	defer r.mu.Unlock()
	for l, rec := range r.published {
		if l.offset < at[l.partition] && r.collector.of(rec) == nil {
			r.t.Errorf("offset %d of partition %d is committed, and %+v has no answer", at[l.partition], l.partition, l)
		}
	}
}

func TestAfterACrashTheStateIsAskedForBeforeAnyCall(t *testing.T) {
	t.Parallel()
	const inFlight, events = 64, 100
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 2 * time.Second}}})
	all := r.load("task", events)
	s := r.start("MPC_MAX_IN_FLIGHT", "64").ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, inFlight))
	s.kill()
	before := len(r.mpc.Requests())
	must(t, r.mpc.SetFaults(mpcsim.Faults{}))

	r.start().ready()
	r.finish(60 * time.Second)
	r.acceptedAtMostOnce(t, all)
	queried := map[string]bool{}
	queries := 0
	for _, request := range r.mpc.Requests()[before:] {
		if request.Operation == mpcsim.Query {
			queries++
			for _, id := range request.TaskIDs {
				queried[id] = true
			}
		} else if id := request.TaskIDs[0]; r.mpc.Accepted(id) == 1 && !queried[id] && slices.ContainsFunc(all[:inFlight], func(rec *kgo.Record) bool { return string(rec.Key) == id }) {
			t.Errorf("task %s was called before the crash, and again without a state query", id)
		}
	}
	if n := r.collector.reasons(); n["already_running"] != inFlight || n["accepted"] != events-inFlight {
		t.Errorf("outcomes %v: want %d already_running (called before the crash) and %d accepted", n, inFlight, events-inFlight)
	}
	// A query has 10 ids, and all events read ahead are in doubt. Some batches are
	// not full.
	if most := (events+9)/10 + 10; queries == 0 || queries > most {
		t.Errorf("%d state queries for at most %d events in doubt: want full batches", queries, events)
	}
}

// An instance is stopped for longer than its session with calls in flight. When it
// goes on it has their answers, but another instance has answered those events.
func TestInvariant3AnInstanceThatSleptThroughItsSessionSendsNothingOfItsOldGeneration(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 2, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 300 * time.Millisecond}}})
	all := r.load("task", 400)
	calls := recordCalls(t, r.mpc.URL())
	frozen := r.start("MPC_MAX_IN_FLIGHT", "16", "MPC_ENDPOINT", calls.URL).ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, 40))
	frozen.signal(syscall.SIGSTOP)
	t.Cleanup(func() { _ = frozen.cmd.Process.Signal(syscall.SIGCONT) }) // it may have ended
	stopped := time.Now()

	r.start("MPC_MAX_IN_FLIGHT", "16").ready()
	have := r.collector.count()
	r.waitForAnswers(have+50, 40*time.Second)
	resumed := time.Now()
	frozen.signal(syscall.SIGCONT)
	r.waitForAnswers(len(all), 60*time.Second)
	frozen.ready()
	// An outcome that the frozen instance still had to send would be a repeat.
	// Outcomes that were already being sent when it was stopped may come twice.
	repeats := r.finish(30 * time.Second)
	for _, again := range r.collector.repeated {
		first := r.collector.outcomes[again.location()]
		if first.DecidedAt.After(stopped) && again.DecidedAt.After(stopped) {
			t.Errorf("an event was answered twice after the instance was stopped at %v:\n%s\n%s", stopped.UTC(), first.record.Value, again.record.Value)
		}
	}
	r.acceptedAtMostOnce(t, all)
	if n := r.mpc.Counters(); n.Accepted != len(all) {
		t.Errorf("%d retries were accepted for %d failures", n.Accepted, len(all))
	}
	if again := r.calledAgain(); len(again) > 0 {
		t.Errorf("%d tasks were called again after their retry had been accepted: %q", len(again), firstFew(again))
	}
	// The new owner asks for the state of the tasks whose calls were in flight.
	reasons := r.collector.reasons()
	if reasons["accepted"]+reasons["already_running"] != len(all) || reasons["already_running"] == 0 {
		t.Errorf("outcomes %v: every task was retried once, and some calls were in flight at the stop", reasons)
	}
	// A call that was already being sent at the stop cannot be taken back. No other
	// may begin.
	assigned := frozen.assignments()
	if len(assigned) < 2 {
		t.Fatalf("the frozen instance was assigned partitions %d times, want twice", len(assigned))
	}
	n := calls.between(resumed, assigned[1])
	t.Logf("stopped for %v with a session of 6s and 16 calls in flight: %d calls of the old generation afterwards, %d outcomes repeated, %d events answered by the new owner's state queries",
		resumed.Sub(stopped).Round(100*time.Millisecond), n, len(repeats), reasons["already_running"])
	// At most one call for each processor can have been at the point of being sent.
	if n > runtime.NumCPU() {
		t.Errorf("%d calls began after it went on and before it owned a partition again", n)
	}
}

// callRecorder is a proxy before the API that records when retry calls began.
type callRecorder struct {
	*httptest.Server
	mu    sync.Mutex
	calls []time.Time
}

func recordCalls(t *testing.T, api string) *callRecorder {
	t.Helper()
	target, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	w := &callRecorder{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.Method == http.MethodPut { // a state query is harmless
			w.mu.Lock()
			w.calls = append(w.calls, time.Now())
			w.mu.Unlock()
		}
		proxy.ServeHTTP(out, in)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *callRecorder) between(from, to time.Time) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, at := range w.calls {
		if at.After(from) && at.Before(to) {
			n++
		}
	}
	return n
}

// assignments returns the times at which the service logged an assignment.
func (s *service) assignments() (times []time.Time) {
	for line := range strings.Lines(s.out.String()) {
		var entry struct {
			Msg  string    `json:"msg"`
			Time time.Time `json:"time"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "partitions assigned" {
			times = append(times, entry.Time)
		}
	}
	return times
}
