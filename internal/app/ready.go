package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/internal/admin"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/ledger"
	"remux-retrier/internal/pace"
)

// readiness answers /readyz from the current state of all packages.
type readiness struct {
	startUp  *startUp
	sameName *sameNameMembers
	files    *files
	instance atomic.Pointer[Instance]
}

func (r *readiness) checks() []admin.Check {
	return []admin.Check{
		{Name: "brokers", Func: r.brokers},
		{Name: "group", Func: r.group},
		{Name: "ledger", Func: r.ledger},
		{Name: "publishing", Func: r.publishing},
	}
}

// announce logs once that the instance is ready: all checks have passed.
func (r *readiness) announce(ctx context.Context, log logrus.FieldLogger) {
	for clock.System.Sleep(ctx, readyLook) == nil {
		if slices.ContainsFunc(r.checks(), func(c admin.Check) bool { ok, _ := c.Func(); return !ok }) {
			continue
		}
		s := r.instance.Load().consumer.Status()
		log.WithFields(logrus.Fields{"generation": s.Generation, "partitions": len(s.Partitions)}).Info("ready")
		return
	}
}

// readyLook is how often a starting instance checks whether it is ready.
const readyLook = 50 * time.Millisecond

// notes are actions for an operator. They do not make the instance unready: an MPC outage
// affects all instances, and a restart would not end it.
func (r *readiness) notes() []string {
	var notes []string
	if i := r.instance.Load(); i != nil {
		c := i.consumer.Status()
		notes = append(notes, throttledNote(i.parts.Gate.State()), i.retrier.Advice(), c.Throttled)
		if c.Panics > 0 {
			notes = append(notes, fmt.Sprintf("%d records are unanswered because handling them panicked: report the stack trace in the log, and restart once it is fixed", c.Panics))
		}
	}
	notes = append(append(notes, r.sameName.note()), r.files.notes()...)
	return slices.DeleteFunc(notes, func(note string) bool { return note == "" })
}

// ledger reports whether the ledger has caught up: nothing is decided before.
func (r *readiness) ledger() (bool, string) {
	i := r.instance.Load()
	if i == nil {
		return false, "starting"
	}
	s := i.ledger.Status()
	if !s.CaughtUp {
		return false, orElse(s.Problem, "reading the outcome topics")
	}
	return true, fmt.Sprintf("%d decisions known", s.Decisions)
}

func (r *readiness) brokers() (bool, string) {
	i := r.instance.Load()
	if i == nil {
		return false, orElse(r.startUp.waiting.Text(), "starting")
	}
	s := i.consumer.Status()
	if s.Problem != "" {
		return false, s.Problem
	}
	for _, p := range s.Partitions {
		if p.Problem != "" {
			return false, fmt.Sprintf("partition %d: %s", p.Partition, p.Problem)
		}
	}
	return true, ""
}

func (r *readiness) group() (bool, string) {
	i := r.instance.Load()
	if i == nil {
		return false, "starting"
	}
	s := i.consumer.Status()
	if !s.Joined {
		return false, "has not joined the consumer group, or the group is rebalancing"
	}
	return true, fmt.Sprintf("generation %d, %d partitions", s.Generation, len(s.Partitions))
}

func (r *readiness) publishing() (bool, string) {
	i := r.instance.Load()
	if i == nil {
		return true, ""
	}
	s := i.consumer.Status()
	var problems []string
	for _, m := range s.Stuck {
		problems = append(problems, m.Problem)
	}
	for _, topic := range absentTopics(s, i.ledger.Status(), r.startUp.cfg) {
		problems = append(problems, "topic "+topic+" does not exist: create it as it was, or restart with KAFKA_CREATE_TOPICS=true")
	}
	return len(problems) == 0, strings.Join(problems, "; ")
}

// absentTopics lists the topics that were deleted since the start. The ledger's own problem
// covers those that it reads.
func absentTopics(s consumer.Status, l ledger.Status, k config.Kafka) []string {
	absent := slices.Clone(s.Absent)
	for _, topic := range []string{k.TopicRetried, k.TopicRetryFailed, k.TopicRecovered} {
		if topic == "" { // there are no recoveries
			continue
		}
		named := strings.Contains(l.Problem, " "+topic+": ") || strings.Contains(l.Problem, " "+topic+"/")
		if named && strings.Contains(l.Problem, consumer.ErrUnknownTopic.Error()) {
			absent = append(absent, topic)
		}
	}
	slices.Sort(absent)
	return slices.Compact(absent)
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// throttledNote reports that MPC serves less than this instance's share of the quota.
func throttledNote(s pace.State) string {
	t := s.Throttling
	switch {
	case t.Since.IsZero():
		return ""
	case math.IsInf(t.Admitted, 1):
		return "Throttled by MPC since " + t.Since.UTC().Format(time.DateTime) + " UTC"
	case math.IsInf(t.Of, 1):
		return fmt.Sprintf("Throttled by MPC since %s UTC: %.0f calls a minute admitted", t.Since.UTC().Format(time.DateTime), t.Admitted)
	}
	return fmt.Sprintf("Throttled by MPC since %s UTC: %.0f of %.0f calls a minute admitted", t.Since.UTC().Format(time.DateTime), t.Admitted, t.Of)
}
