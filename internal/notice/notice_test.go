package notice

import (
	"testing"

	"github.com/sirupsen/logrus/hooks/test"
)

func TestALastingConditionIsSaidOnce(t *testing.T) {
	log, hook := test.NewNullLogger()
	n := New(log)
	n.Over("well") // it never held
	for range 3 {
		n.Problem("read tcp 10.0.0.1:53412->10.0.0.2:9092: reset")
		n.Problem("read tcp 10.0.0.1:53413->10.0.0.2:9092: reset")
	}
	n.Problem("refused")
	if n.Text() != "refused" {
		t.Errorf("holds: %q", n.Text())
	}
	n.Over("well")
	n.Over("well")
	var said []string
	for _, e := range hook.AllEntries() {
		said = append(said, e.Level.String()+" "+e.Message)
	}
	want := []string{"warning read tcp 10.0.0.1->10.0.0.2:9092: reset", "warning refused", "info well"}
	if len(said) != len(want) || said[0] != want[0] || said[1] != want[1] || said[2] != want[2] || n.Text() != "" {
		t.Errorf("said %q", said)
	}
}

// Each of these differs at every attempt, although nothing has changed.
func TestWhatChangesByItselfIsNoNews(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"x509: certificate has expired or is not yet valid: current time 2026-11-30T01:03:03Z is after 2026-11-01T00:00:00Z",
			"x509: certificate has expired or is not yet valid: current time 2026-11-30T01:03:04+08:00 is after 2026-11-01T00:00:00Z"},
		{"no answer within 1.002s", "no answer within 1m0.5s"},
		{"MPC answered 503 (request id 0a1b2c3d4e5f60718293a4b5c6d7e8f9)", "MPC answered 503 (request id 1a1b2c3d4e5f60718293a4b5c6d7e8f9)"},
		{"read udp [fd00::1]:53412->[fd00::53]:53: timeout", "read udp [fd00::1]:53413->[fd00::53]:53: timeout"},
		{"id 123e4567-e89b-12d3-a456-426614174000", "id 223e4567-e89b-12d3-a456-426614174000"},
	} {
		log, hook := test.NewNullLogger()
		n := New(log)
		n.Problem(c.a)
		n.Problem(c.b)
		if said := hook.AllEntries(); len(said) != 1 {
			t.Errorf("said twice: %q, %q", c.a, c.b)
		}
		n.Over("well")
		n.Problem(c.a)
		if said := hook.AllEntries(); len(said) != 3 {
			t.Errorf("not said again: %q", c.a)
		}
	}
}

func TestWhatIsNewsIsSaid(t *testing.T) {
	texts := []string{"broker 1 is away", "broker 2 is away", "MPC answered 503", "MPC answered 502", "it ends in 13 days", "it ends in 12 days", "topic a is missing", "topic b is missing"}
	log, hook := test.NewNullLogger()
	n := New(log)
	for _, text := range texts {
		n.Problem(text)
	}
	if said := hook.AllEntries(); len(said) != len(texts) {
		t.Errorf("%d of %d were said", len(said), len(texts))
	}
}
