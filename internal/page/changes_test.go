package page

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestTheStatesOfTheLastHoursAreListed(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	working(s)
	pass(t, p, s) // 12:00:01
	s.change(func() { s.status.Flow.InFlight = 1 })
	pass(t, p, s) // working and idle count as one
	down := s.now
	s.change(func() { s.status.MPC.Available, s.status.MPC.DownSince = false, &down })
	pass(t, p, s)
	last := s.now
	s.change(func() {
		s.status.MPC.LastError, s.status.MPC.LastErrorAt, s.status.MPC.LastErrorHeadline = "HTTP 401", &last, "MPC rejects our credentials: renew MPC_AUTH_TOKEN"
	})
	pass(t, p, s)
	s.change(func() { working(s) })
	pass(t, p, s)
	got := decode[Changes](t, get(p, "/api/changes")).Changes
	want := []Change{
		{noon.Add(5 * refresh), Working, "Working"}, {noon.Add(2 * refresh), Outage, "MPC rejects our credentials: renew MPC_AUTH_TOKEN"},
		{noon.Add(refresh), Working, "Working"}, {noon, Starting, "Starting"},
	}
	if !slices.EqualFunc(got, want, func(a, b Change) bool { return a.Name == b.Name && a.Title == b.Title && a.At.Equal(b.At) }) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestTheListOfStatesIsBounded(t *testing.T) {
	var c Changes
	for i := range 3 * maxChanges {
		now := noon.Add(time.Duration(i) * time.Minute)
		c.take(now, State{Name: fmt.Sprint(i % 2), Since: now})
	}
	if len(c.Changes) != maxChanges {
		t.Errorf("%d are kept", len(c.Changes))
	}
	later := noon.Add(10 * changesMaxAge)
	c.take(later, State{Name: Outage, Since: later})
	if len(c.Changes) != 2 { // what lasted until then, too
		t.Errorf("%v", c.Changes)
	}
}
