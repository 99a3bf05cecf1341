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

// Every committed offset is looked at while instances are killed and started:
// whatever stands below it must have been answered by then.
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

// Outcomes that the brokers do not acknowledge hold the offsets back, and a crash
// then loses none of them.
func TestInvariant1NothingIsCommittedBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	const events = 20
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{ProcessingFor: time.Hour}})
	r.limit(r.retried, 200) // less than an outcome
	all := r.load("task", events)
	s := r.start("MPC_TIMEOUT", "1s") // not ready for long: it says what it waits for
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, events))
	<-time.After(3 * time.Second) // the time in which it commits, thrice
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

// committedIsAnswered looks at the committed offsets first and at the answers
// after them.
func (r *rig) committedIsAnswered() {
	r.t.Helper()
	at, err := r.committed()
	if err != nil {
		r.t.Fatal(err)
	}
	r.readAll()
	r.mu.Lock()
	defer r.mu.Unlock()
	for where, rec := range r.published {
		if where.offset < at[where.partition] && r.collector.of(rec) == nil {
			r.t.Errorf("offset %d of partition %d is committed, and %+v has no answer", at[where.partition], where.partition, where)
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
			t.Errorf("task %s was called before the crash, and again without a question", id)
		}
	}
	if n := r.collector.reasons(); n["already_running"] != inFlight || n["accepted"] != events-inFlight {
		t.Errorf("outcomes %v: want %d already_running (called before the crash) and %d accepted", n, inFlight, events-inFlight)
	}
	// 10 ids a query, all of the look-ahead's doubt included; some gather late.
	if most := (events+9)/10 + 10; queries == 0 || queries > most {
		t.Errorf("%d state queries for at most %d events in doubt: want them gathered", queries, events)
	}
}

// Frozen past its session with calls in flight, an instance wakes up with their
// answers in hand, when others have settled those events already.
func TestInvariant3AnInstanceThatSleptThroughItsSessionSendsNothingOfItsOldGeneration(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 2, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 300 * time.Millisecond}}})
	all := r.load("task", 400)
	way := recordCalls(t, r.mpc.URL())
	frozen := r.start("MPC_MAX_IN_FLIGHT", "16", "MPC_ENDPOINT", way.URL).ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, 40))
	frozen.signal(syscall.SIGSTOP)
	t.Cleanup(func() { _ = frozen.cmd.Process.Signal(syscall.SIGCONT) }) // it may have ended
	asleep := time.Now()

	r.start("MPC_MAX_IN_FLIGHT", "16").ready()
	have := r.collector.count()
	r.waitForAnswers(have+50, 40*time.Second)
	woken := time.Now()
	frozen.signal(syscall.SIGCONT)
	r.waitForAnswers(len(all), 60*time.Second)
	frozen.ready()
	// An outcome that the frozen still had to send is its event's second. What was
	// decided, and on its way to the socket, when sleep came cannot be taken back.
	repeats := r.finish(30 * time.Second)
	for _, again := range r.collector.repeated {
		first := r.collector.outcomes[again.location()]
		if first.DecidedAt.After(asleep) && again.DecidedAt.After(asleep) {
			t.Errorf("an event was answered twice after the frozen had fallen asleep at %v:\n%s\n%s", asleep.UTC(), first.record.Value, again.record.Value)
		}
	}
	r.acceptedAtMostOnce(t, all)
	if n := r.mpc.Counters(); n.Accepted != len(all) {
		t.Errorf("%d retries were accepted for %d failures", n.Accepted, len(all))
	}
	if again := r.calledAgain(); len(again) > 0 {
		t.Errorf("%d tasks were called again after their retry had been accepted: %q", len(again), firstFew(again))
	}
	// What was in flight when it fell asleep, its heir asked about.
	reasons := r.collector.reasons()
	if reasons["accepted"]+reasons["already_running"] != len(all) || reasons["already_running"] == 0 {
		t.Errorf("outcomes %v: every task was retried once, and some calls were in flight when sleep came", reasons)
	}
	// A call that was on its way to the socket when sleep came cannot be taken
	// back; any other must not begin.
	assigned := frozen.assignments()
	if len(assigned) < 2 {
		t.Fatalf("the frozen was assigned partitions %d times, want again after it woke", len(assigned))
	}
	n := way.between(woken, assigned[1])
	t.Logf("asleep for %v of a session of 6s with 16 calls in flight: %d calls of the old generation after it woke, %d outcomes were on their way before, %d events settled by its heir's questions",
		woken.Sub(asleep).Round(100*time.Millisecond), n, len(repeats), reasons["already_running"])
	// As many can be on their way as there are processors to send them.
	if n > runtime.NumCPU() {
		t.Errorf("%d calls began after it woke and before it owned a partition again", n)
	}
}

// watched is a way to the API that notes when the retry calls on it began.
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
		if in.Method == http.MethodPut { // a state query does nothing
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

// assignments are the times at which the service said that it got partitions.
func (s *service) assignments() (times []time.Time) {
	for line := range strings.Lines(s.out.String()) {
		var said struct {
			Msg  string    `json:"msg"`
			Time time.Time `json:"time"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "partitions assigned" {
			times = append(times, said.Time)
		}
	}
	return times
}
