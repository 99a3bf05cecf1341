package story

import (
	"context"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

// now is a clock that a test sets.
type now struct{ time.Time }

func (n *now) Now() time.Time                             { return n.Time }
func (n *now) Wall() time.Time                            { return n.Time }
func (n *now) Sleep(context.Context, time.Duration) error { panic("a store waits for nothing") }
func (n *now) Wait(context.Context, <-chan struct{}) error {
	panic("a store waits for nothing")
}
func (n *now) Go(func()) { panic("a store starts no goroutine") }

func (n *now) pass(d time.Duration) { n.Time = n.Add(d) }

func open(t testing.TB, limit int) (*Store, *now) {
	t.Helper()
	clock := &now{time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	s, err := New(Config{Max: limit, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return s, clock
}

// tell adds steps, one second after another.
func tell(c *now, r *Record, steps ...Step) {
	for _, step := range steps {
		c.pass(time.Second)
		r.Step(step)
	}
}

func of(kinds ...Kind) []Step {
	steps := make([]Step, len(kinds))
	for i, k := range kinds {
		steps[i].Kind = k
	}
	return steps
}

// kinds returns the kinds of a story's steps, in one line.
func kinds(s Story) string {
	var words []string
	for _, step := range s.Steps {
		words = append(words, string(step.Kind))
	}
	return strings.Join(words, " ")
}

func at(offset int64) events.Source {
	return events.Source{Topic: "remux.failed", Partition: 1, Offset: offset}
}
