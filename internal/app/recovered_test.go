package app

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/simulation/memlog"
	"remux-retrier/mpcclient"
)

func recovering(c *config.Config) { c.Kafka.TopicRecovered = "recovered" }

// succeed appends MPC's notification that a task has succeeded.
func (h *harness) succeed(task string) {
	h.broker.Append("failed", 0, consumer.Message{Key: []byte(task), Value: fmt.Appendf(nil,
		`{"event_type":"RemuxComplete","remux_info":{"task_id":%q,"status":"SUCCEED","user_data":"asset"}}`, task)})
}

// recoveries returns the published recoveries, by the offsets of the events that reported
// the success.
func (h *harness) recoveries() map[int64]events.Recovery {
	h.Helper()
	all := map[int64]events.Recovery{}
	for _, r := range h.broker.Records("recovered") {
		recovery, err := events.DecodeRecovery(r.Value, r.Headers)
		if err != nil || string(r.Key) != recovery.TaskID {
			h.Fatalf("%s: %v", r.Value, err)
		}
		all[recovery.Source.Offset] = recovery
	}
	return all
}

func TestATaskThatSucceedsAfterARetryIsToldOnce(t *testing.T) {
	withHarness(t, 1, recovering, func(h *harness) {
		h.succeed("never failed")
		h.fail(0, "1", 2)
		time.Sleep(time.Second)
		h.succeed("1")
		h.succeed("1")
		time.Sleep(3 * time.Second) // long enough to commit
		got := h.recoveries()
		if r := got[3]; len(h.broker.Records("recovered")) != 1 || r.TaskID != "1" || r.Retries != 1 || r.UserData != "asset" ||
			r.Retry.Source.Offset != 1 || !r.FirstFailedAt.Equal(r.Retry.Source.Time) || !r.RecoveredAt.Equal(r.Source.Time) {
			t.Errorf("%+v", got)
		}
		if n := h.mpc.of("1"); n != 1 {
			t.Errorf("%d calls", n)
		}
		hours := h.instance.ledger.Hours()
		if len(hours) != 1 || hours[0].Retries != 1 || hours[0].Recovered != 1 {
			t.Errorf("%+v", hours)
		}
		if at, _ := h.broker.Position(0); at.Offset != 5 {
			t.Errorf("committed up to %d of 5", at.Offset)
		}
	})
}

func TestWithoutTheTopicASuccessIsNothing(t *testing.T) {
	withHarness(t, 1, nil, func(h *harness) {
		h.fail(0, "1", 1)
		time.Sleep(time.Second)
		h.succeed("1")
		time.Sleep(time.Second)
		if n := len(h.broker.Records("recovered")); n != 0 || h.mpc.of("1") != 1 {
			t.Errorf("%d recoveries, %d calls", n, h.mpc.of("1"))
		}
		// A plain event is a failure, whatever other fields it has.
		h.broker.Append("failed", 0, consumer.Message{Value: []byte(`{"task_id":"2","status":"SUCCEED"}`)})
		time.Sleep(time.Second)
		if n := h.answers("2"); n[events.Accepted] != 1 {
			t.Errorf("%v", n)
		}
	})
}

// The answer was lost, and the task has succeeded before its state is queried.
func TestASuccessThatComesBeforeTheRetryIsKnownIsNotLost(t *testing.T) {
	withHarness(t, 1, recovering, func(h *harness) {
		down := true
		h.mpc.call = func(string) error {
			h.mpc.mu.Lock()
			defer h.mpc.mu.Unlock()
			h.mpc.states["1"] = mpcclient.StatusSucceeded
			if down {
				return refused(mpcclient.Lost, 502)
			}
			return nil
		}
		h.mpc.query = func() error {
			h.mpc.mu.Lock()
			defer h.mpc.mu.Unlock()
			if down {
				return refused(mpcclient.Transient, 503)
			}
			return nil
		}
		h.fail(0, "1", 1)
		time.Sleep(time.Second)
		h.succeed("1")
		time.Sleep(10 * time.Minute)
		if n := len(h.broker.Records("recovered")); n != 0 {
			t.Errorf("%d recoveries, and it is unknown that the retry was accepted", n)
		}
		h.mpc.mu.Lock()
		down = false
		h.mpc.mu.Unlock()
		time.Sleep(10 * time.Minute)
		if got := h.recoveries(); len(got) != 1 || h.answers("1")[events.AlreadyRunning] != 1 {
			t.Errorf("%+v, answers %v", got, h.answers("1"))
		}
	})
}

// An event whose recovery is not acknowledged is not committed, and a recovery is not
// written twice.
func TestARecoveryIsNeitherLostNorRepeatedOverARestart(t *testing.T) {
	for hazard, fault := range map[string]func(memlog.Operation) (time.Duration, error, error){
		"not written":         func(memlog.Operation) (time.Duration, error, error) { return 0, memlog.ErrUnreachable, nil },
		"not acknowledged":    func(memlog.Operation) (time.Duration, error, error) { return 0, nil, memlog.ErrUnreachable },
		"written and in time": nil,
	} {
		t.Run(hazard, func(t *testing.T) {
			withHarness(t, 1, recovering, func(h *harness) {
				h.fail(0, "1", 1)
				time.Sleep(2 * time.Second)
				h.member.SetFaultOf("recovered", 0, fault)
				h.succeed("1")
				time.Sleep(5 * time.Second)
				if at, _ := h.broker.Position(0); (at.Offset == 1) != (fault != nil) {
					t.Errorf("committed up to %d", at.Offset)
				}
				h.stop()
				written := len(h.broker.Records("recovered"))
				h.start("b", recovering)
				time.Sleep(30 * time.Second)
				h.succeed("1")
				time.Sleep(5 * time.Second)
				if got := h.recoveries(); len(got) != 1 || got[1].TaskID != "1" {
					t.Errorf("%+v", got)
				}
				if n := len(h.broker.Records("recovered")); n != max(1, written) {
					t.Errorf("%d records, of which the former owner wrote %d", n, written)
				}
			})
		})
	}
}

// timeless is a clock whose wall may show no time.
type timeless struct {
	clock.Clock
	broken atomic.Bool
}

func (c *timeless) Wall() time.Time {
	if c.broken.Load() {
		return time.Time{}
	}
	return c.Clock.Wall()
}

// Left unanswered, its event would hold up the commits of its partition for ever.
func TestARecoveryThatCannotBeWrittenHoldsUpNothing(t *testing.T) {
	withHarness(t, 1, recovering, func(h *harness) {
		h.fail(0, "1", 1)
		time.Sleep(2 * time.Second)
		h.stop()
		c := &timeless{Clock: clock.System}
		h.clock = c
		h.start("b", recovering)
		time.Sleep(30 * time.Second)
		c.broken.Store(true) // the recovery gets no time: nor does its event have one
		h.broker.AppendAt("failed", 0, time.Time{}, consumer.Message{Key: []byte("1"), Value: []byte(
			`{"event_type":"RemuxComplete","remux_info":{"task_id":"1","status":"SUCCEED"}}`)})
		time.Sleep(2 * time.Second)
		c.broken.Store(false)
		time.Sleep(5 * time.Second)
		if at, _ := h.broker.Position(0); at.Offset != 2 || len(h.broker.Records("recovered")) != 0 {
			t.Errorf("committed up to %d of 2, %d recoveries", at.Offset, len(h.broker.Records("recovered")))
		}
	})
}

func TestTheFirstLineOfTheLogNamesTheTopicOfRecoveries(t *testing.T) {
	var cfg config.Config
	if topics := introduction(cfg, "", "")["topics"].([]string); len(topics) != 4 {
		t.Errorf("without it: %q", topics)
	}
	recovering(&cfg)
	if topics := introduction(cfg, "", "")["topics"].([]string); !slices.Contains(topics, "recovered") {
		t.Errorf("with it: %q", topics)
	}
}
