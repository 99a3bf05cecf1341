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
