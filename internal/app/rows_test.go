package app

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/config"
	"remux-retrier/internal/simulation/memlog"
	"remux-retrier/mpcclient"
)

// One task must not hold up the others of its partition, nor cost much.
func TestATaskThatAlwaysFailsHoldsUpNoOtherOfItsPartition(t *testing.T) {
	for name, class := range map[string]mpcclient.Class{"not executed": mpcclient.Transient, "lost": mpcclient.Lost} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, 64, nil, func(h *harness) {
				h.mpc.call = alwaysFailing(class, 500)
				h.fail(0, "alwaysFailing", 200)
				go h.traffic(1, 64, 200*time.Millisecond, 5*time.Minute)
				time.Sleep(time.Minute)
				for i := range 20 {
					h.fail(0, fmt.Sprint("healthy", i), 1)
				}
				time.Sleep(10 * time.Second)
				for i := range 20 {
					if n := h.answers(fmt.Sprint("healthy", i)); n[events.Accepted] != 1 {
						t.Errorf("task %d of those behind it: %v", i, n)
					}
				}
				time.Sleep(4 * time.Minute)
				if n := h.mpc.of("alwaysFailing"); n < 5 || n > 2*5 {
					t.Errorf("%d calls, want at most twice RETRY_MAX_ATTEMPTS", n)
				}
				if n := h.answers("alwaysFailing"); n[events.AttemptsExhausted] != 200 {
					t.Errorf("its 200 events: %v", n)
				}
			})
		})
	}
}

// The look-ahead holds a part of them; the rest is still in Kafka and is answered
// together with them.
func TestAFloodOfEventsOfATaskThatAlwaysFailsIsBoundedAndEnds(t *testing.T) {
	const n = 100_000
	withHarness(t, 2, nil, func(h *harness) {
		h.mpc.call = alwaysFailing(mpcclient.Transient, 500)
		h.fail(0, "alwaysFailing", n)
		h.fail(0, "behind", 1)
		go h.traffic(1, 2, 200*time.Millisecond, 10*time.Minute)
		time.Sleep(20 * time.Second)
		held := 0
		for _, p := range h.instance.consumer.Status().Partitions {
			held += p.Unanswered
		}
		if held == 0 || held > n*2/3 {
			t.Errorf("%d events are held", held)
		}
		time.Sleep(10 * time.Minute)
		if got := h.answers("behind"); got[events.Accepted] != 1 {
			t.Errorf("the task behind it: %v", got)
		}
		if got := h.answers("alwaysFailing"); got[events.AttemptsExhausted] != n || h.mpc.of("alwaysFailing") > 2*5 {
			t.Errorf("%v after %d calls", got, h.mpc.of("alwaysFailing"))
		}
		runtime.KeepAlive(h)
	})
}

// MPC accepts, and the gateway in front of it answers 502: each call is billed.
func TestAGatewayThatLosesEachAnswerCostsOneCallAFailureAndTheBudgetHolds(t *testing.T) {
	withHarness(t, 1, nil, func(h *harness) {
		h.mpc.call = func(id string) error {
			h.mpc.mu.Lock()
			h.mpc.states[id] = mpcclient.StatusProcessing
			h.mpc.mu.Unlock()
			return refused(mpcclient.Lost, 502)
		}
		for range 10 {
			h.mpc.mu.Lock()
			h.mpc.states["1"] = mpcclient.StatusFailed
			h.mpc.mu.Unlock()
			h.fail(0, "1", 1)
			time.Sleep(2 * time.Minute)
		}
		if n := h.mpc.of("1"); n != 3 {
			t.Errorf("%d calls in ten failures, want as many as the budget", n)
		}
		if n := h.answers("1"); n[events.AlreadyRunning] != 3 || n[events.BudgetExhausted] != 7 {
			t.Errorf("%v", n)
		}
	})
}

// Its failures open the circuit breaker, and then it is the only probe.
func TestTheOnlyTaskThereIsBacksOffAndANewOneIsCalledAtOnce(t *testing.T) {
	withHarness(t, 1, nil, func(h *harness) {
		h.mpc.call = alwaysFailing(mpcclient.Transient, 500)
		h.fail(0, "alwaysFailing", 1)
		time.Sleep(10 * time.Minute)
		before := h.mpc.of("alwaysFailing")
		time.Sleep(time.Hour)
		if n := h.mpc.of("alwaysFailing") - before; n < 30 || n > 2*60+1 {
			t.Errorf("%d calls in an hour", n)
		}
		h.fail(0, "new", 1)
		time.Sleep(2 * time.Second)
		if n := h.answers("new"); n[events.Accepted] != 1 {
			t.Errorf("the new task is not the next probe: %v", n)
		}
	})
}

// The leader of one partition is unavailable: outcomes of calls could not be written to it.
func TestAnOutcomePartitionThatCannotBeWrittenHoldsUpItsOwnTasksAlone(t *testing.T) {
	for hazard, fault := range map[string]func(memlog.Operation) (time.Duration, error, error){
		"fails": func(memlog.Operation) (time.Duration, error, error) { return 0, memlog.ErrUnreachable, nil },
		"hangs": func(memlog.Operation) (time.Duration, error, error) { return time.Hour, nil, nil },
	} {
		t.Run(hazard, func(t *testing.T) {
			withHarness(t, 8, func(c *config.Config) { c.MPC.MaxInFlight = 8 }, func(h *harness) {
				time.Sleep(3 * time.Second)
				h.member.SetFaultOf("retried", 3, fault)
				var stuck, others []string
				for i := range 1000 {
					id := fmt.Sprint("task", i)
					h.fail(i%8, id, 1)
					if p, _ := h.member.PartitionFor(h.Context(), "retried", []byte(id)); p == 3 {
						stuck = append(stuck, id)
					} else {
						others = append(others, id)
					}
				}
				time.Sleep(2 * time.Minute)
				called := 0
				for _, id := range stuck {
					called += h.mpc.of(id)
				}
				if called > 2*8 {
					t.Errorf("%d of %d tasks are called whose outcome cannot be written", called, len(stuck))
				}
				answered := func(ids []string) (n int) {
					answers := h.answersOfAll()
					for _, id := range ids {
						if answers[id][events.Accepted] == 1 {
							n++
						}
					}
					return n
				}
				if n := answered(others); n != len(others) {
					t.Errorf("%d of the %d others are answered", n, len(others))
				}
				h.member.SetFaultOf("retried", 3, nil)
				time.Sleep(3 * time.Minute)
				if n := answered(stuck); hazard == "fails" && n != len(stuck) {
					t.Errorf("%d of %d are answered when it can be written again", n, len(stuck))
				}
			})
		})
	}
}

// An event that was answered is not lost when retention deletes it.
func TestDataLossCountsWhatHadNoAnswer(t *testing.T) {
	withHarness(t, 1, nil, func(h *harness) {
		hold := make(chan struct{})
		h.mpc.call = func(id string) error {
			if id == "waits" {
				<-hold
			}
			return nil
		}
		h.mpc.states["waits"] = mpcclient.StatusFailed
		h.fail(0, "waits", 1)
		for i := range 999 {
			h.fail(0, fmt.Sprint("task", i), 1)
		}
		time.Sleep(5 * time.Second)
		close(hold)
		h.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Produce {
				return 0, memlog.ErrUnreachable, nil // the waiting one is never published
			}
			return 0, nil, nil
		})
		h.stop()
		h.broker.Retain("failed", 0, 990)
		h.broker.Append("failed", 0)
		h.start("b", nil)
		time.Sleep(20 * time.Second)
		if n := h.instance.consumer.Status().DataLoss; n != 1 {
			t.Errorf("data_loss_total %d, want the one that had no answer", n)
		}
	})
}
