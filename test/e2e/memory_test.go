//go:build kafka

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// 500 MB of events that compress very well, so that a fetch of 1 MiB holds
// hundreds of times as much, while the API is down.
func TestInvariant7MemoryIsBoundedWhateverTheBacklog(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a process's memory is read from /proc")
	}
	r := newRig(t, options{partitions: 2, sim: mpcsim.Config{Faults: mpcsim.Faults{Outage: mpcsim.Down}}})
	client := r.newClient(kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.ProducerLinger(20*time.Millisecond))
	padding := bytes.Repeat([]byte("x"), 100_000)
	const batches, each = 10, 500
	for batch := range batches {
		records := make([]*kgo.Record, each)
		for i := range records {
			task := fmt.Sprintf("task-%d-%d", batch, i)
			records[i] = &kgo.Record{Key: []byte(task), Value: fmt.Appendf(nil, `{"task_id":%q,"padding":"%s"}`, task, padding)}
		}
		r.publishWith(client, records...)
		r.forget(records)
	}
	// The race detector multiplies memory.
	program, err := buildWith(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r.program = program
	s := r.start("MPC_MAX_IN_FLIGHT", "64").ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, 8))
	// A request for a task's history reads the whole backlog.
	answer, err := (&http.Client{Timeout: 15 * time.Second}).Get(s.http + "/api/tasks/nobody")
	must(t, err)
	must(t, answer.Body.Close())
	must(t, r.mpc.SetFaults(mpcsim.Faults{}))
	r.waitForAnswers(batches*each, 120*time.Second)
	most := s.peakMemory()
	t.Logf("a backlog of %d MB took %d MiB of memory at most", batches*each*len(padding)>>20, most>>20)
	// 64 MiB may be held, and Go's collector keeps as much garbage.
	if most > 300<<20 {
		t.Errorf("the service used %d MiB", most>>20)
	}
	r.finishWithoutRepeats(30 * time.Second)
	if n := r.mpc.Counters().Accepted; n != batches*each {
		t.Errorf("%d retries were accepted for %d tasks", n, batches*each)
	}
}

// forget drops the records' values, to save memory in the test's process.
func (r *rig) forget(records []*kgo.Record) {
	for _, rec := range records {
		rec.Value = nil
	}
}

// peakMemory returns the process's largest resident size, in bytes.
func (s *service) peakMemory() int {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		s.t.Fatal(err)
	}
	return kb << 10
}

// If outcomes cannot be published, calling stops: a crash leaves in doubt what was
// called and not acknowledged.
func TestInvariant7CallingStopsAtTwiceMaxInFlightUnacknowledged(t *testing.T) {
	t.Parallel()
	const inFlight, events = 8, 60
	r := newRig(t, options{partitions: 2})
	r.limit(r.retried, 200) // less than an outcome
	r.load("task", events)
	s := r.start("MPC_MAX_IN_FLIGHT", fmt.Sprint(inFlight))
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, 2*inFlight))
	s.waitFor(20*time.Second, "to name the topic that refuses outcomes", func() (bool, string) {
		status, body := s.get("/readyz")
		return status == 503 && strings.Contains(body, r.retried), body
	})
	<-time.After(2 * time.Second) // time in which it could wrongly go on calling
	if n := r.mpc.Counters().Retries; n != 2*inFlight {
		t.Errorf("%d calls without an acknowledged outcome, want %d", n, 2*inFlight)
	}
	r.limit(r.retried, 1_048_588)
	r.finishWithoutRepeats(90 * time.Second)
	r.calledOnce(t, events)
}
