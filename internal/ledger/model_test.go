package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"remux-retrier/events"
)

// model is the ledger as a list of everything ever decided or published.
type model struct {
	kept     []events.Outcome
	own      map[events.Source]events.Outcome // decided and not published
	same     map[int]bool                     // those of kept whose retry another one counts
	answered []events.Source
	forgot   map[int]int // by partition: how many of kept no longer cover it
	opened   []time.Time // when that was
}

// over: the outcome is too old to be asked for.
func over(o events.Outcome) bool { return time.Since(o.DecidedAt) >= window+skew }

// add keeps a decision. There may be others about the same event: each call for it is a
// retry; a state query is one only without them.
func (m *model) add(o events.Outcome) {
	if len(o.Covers) == 0 && !o.CountsAsRetry() || over(o) {
		return
	}
	var others []int
	for i, k := range m.kept {
		if k.Failure.TaskID != o.Failure.TaskID || k.Source != o.Source || over(k) {
			continue
		}
		if k.DecidedAt.Equal(o.DecidedAt) {
			return
		}
		others = append(others, i)
	}
	same := false
	for _, i := range others {
		k := m.kept[i]
		if !o.CountsAsRetry() || !k.CountsAsRetry() || m.same[i] {
			continue
		}
		if o.Attempts == 0 {
			same = true
		} else if k.Attempts == 0 {
			m.same[i] = true
		}
	}
	m.same[len(m.kept)] = same
	m.kept = append(m.kept, o)
}

func (m *model) decided(o events.Outcome) {
	m.add(o)
	if len(o.Covers) > 0 || o.CountsAsRetry() {
		m.own[o.Source] = o
	}
}

// uncertain: read again, it may count as decided after covers were invalidated, because
// clocks differ.
func (m *model) uncertain(o events.Outcome) bool {
	return slices.ContainsFunc(m.opened, func(at time.Time) bool { return !at.Before(o.DecidedAt) && at.Sub(o.DecidedAt) <= skew })
}

func (m *model) retries(task string) (n int) {
	for i, o := range m.kept {
		if o.Failure.TaskID == task && o.CountsAsRetry() && !m.same[i] && time.Since(o.DecidedAt) < window {
			n++
		}
	}
	return n
}

func (m *model) covering(task string, e events.Source) string {
	own, accepted, latest := "", "", ""
	var at time.Time
	if o, ok := m.own[e]; ok && o.Failure.TaskID == task && !over(o) {
		own = text(o)
	}
	for i, o := range m.kept {
		if o.Failure.TaskID != task || over(o) {
			continue
		}
		for _, c := range o.Covers {
			if c.Partition == e.Partition && e.Offset < c.End && i >= m.forgot[e.Partition] {
				if !o.DecidedAt.Before(at) {
					latest, at = text(o), o.DecidedAt
				}
				if o.CountsAsRetry() && o.Attempts > 0 {
					accepted = text(o)
				}
			}
		}
	}
	for _, text := range []string{own, accepted} {
		if text != "" {
			return text
		}
	}
	return latest
}

// text is the part of an outcome that Covering returns.
func text(o events.Outcome) string {
	var covers []string
	for _, c := range o.Covers {
		if c.End > 0 {
			covers = append(covers, fmt.Sprint(c))
		}
	}
	slices.Sort(covers)
	return fmt.Sprint(o.Reason, o.Attempts, o.AcceptedRetry, o.Source, covers, o.DecidedAt)
}

func TestLedgerIsTheNaiveModel(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { run(t, func(w *world) { againstModel(w, rand.New(rand.NewPCG(seed, 1))) }) })
	}
}

func againstModel(w *world, r *rand.Rand) {
	m := model{own: map[events.Source]events.Outcome{}, forgot: map[int]int{}, same: map[int]bool{}}
	tasks := []string{"a", "b", "c"}
	place := func() events.Source { return event(r.IntN(3), r.Int64N(12)) }
	random := func() events.Outcome {
		time.Sleep(time.Millisecond) // no two are made at once
		o := outcome(tasks[r.IntN(3)], events.Reasons()[r.IntN(len(events.Reasons()))], place())
		for range r.IntN(3) {
			o.Covers = append(o.Covers, events.Cover{Partition: r.IntN(3), End: r.Int64N(14)})
		}
		o.Attempts = r.IntN(3)
		o.AcceptedRetry = o.Reason == events.AlreadyRunning && r.IntN(2) == 0
		return o
	}
	var published []events.Outcome
	publish := func(o events.Outcome) {
		m.add(o)
		delete(m.own, o.Source)
		m.answered = append(m.answered, o.Source)
		published = append(published, o)
		w.publish(o)
		w.follow()
	}
	for range 60 {
		switch r.IntN(8) {
		case 0:
			o := random()
			w.Decided(o)
			m.decided(o)
		case 1: // ours
			o := random()
			w.Decided(o)
			m.decided(o)
			publish(o)
		case 2, 3: // of another instance
			publish(random())
		case 4:
			if len(published) > 0 {
				if o := published[r.IntN(len(published))]; !m.uncertain(o) {
					publish(o)
				}
			}
		case 5:
			time.Sleep(time.Duration(r.Int64N(int64(window / 2))))
			w.follow()
		case 6:
			p := r.IntN(2)
			w.Opened(p, 20, 0, false)
			m.forgot[p] = len(m.kept)
			m.opened = append(m.opened, time.Now())
		case 7:
			w.catchUp(0, 1)
			m.answered = nil // from more than a minute ago
			for _, o := range published {
				if time.Since(o.DecidedAt) <= time.Minute+skew {
					m.answered = append(m.answered, o.Source)
				}
			}
		}
		for _, task := range tasks {
			w.expect("retries", w.Retries(task), m.retries(task))
			e := place()
			got := ""
			if o, ok := w.Covering(task, e); ok {
				got = text(o)
			}
			w.expect(fmt.Sprint("covering ", task, e), got, m.covering(task, e))
		}
		for _, e := range m.answered {
			w.expect(fmt.Sprint("answered ", e), w.Answered(e), e.Partition < 2)
		}
		if w.Failed() {
			return
		}
	}
}
