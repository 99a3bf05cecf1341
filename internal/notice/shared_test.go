package notice

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// cause is confirmed if it is a refusal.
type cause string

func (c cause) Error() string         { return string(c) }
func (c cause) Cause() (string, bool) { return string(c), c == refused }

const (
	refused cause = "dial tcp b1:9092: connection refused"
	broken  cause = "EOF"
)

func lines(hook *test.Hook) []string {
	var said []string
	for _, e := range hook.AllEntries() {
		said = append(said, e.Level.String()+" "+e.Message)
	}
	return said
}

func shared(operations int) (*test.Hook, []*Notice) {
	log, hook := test.NewNullLogger()
	s := NewShared(log, "a broker cannot be reached: ", "the brokers can be reached again")
	var all []*Notice
	for range operations {
		all = append(all, s.New(log))
	}
	return hook, all
}

// When a broker stops, connections break first, and then none can be opened.
func TestABrokerThatStopsIsOneLineThatSaysRefused(t *testing.T) {
	hook, operations := shared(10)
	for _, err := range []error{broken, fmt.Errorf("fetch: %w", refused), refused} {
		for _, n := range operations {
			n.Failed("fetching", err)
		}
	}
	for i, n := range operations {
		if n.Text() == "" {
			t.Error("an operation does not tell what it waits for")
		}
		if i > 0 {
			n.Over("fetching: works again")
		}
	}
	if said := lines(hook); len(said) != 1 {
		t.Fatalf("said %q while one operation still waits", said)
	}
	operations[0].Over("fetching: works again")
	want := []string{"warning a broker cannot be reached: " + string(refused), "info the brokers can be reached again"}
	if said := lines(hook); !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	operations[0].Failed("fetching", refused)
	if said := lines(hook); len(said) != 3 {
		t.Errorf("the next stop is not said: %q", said)
	}
}

// A port that expects another protocol closes every connection.
func TestAConnectionThatAlwaysBreaksIsSaid(t *testing.T) {
	hook, operations := shared(1)
	for range 2 {
		operations[0].Failed("fetching", broken)
	}
	if said := lines(hook); len(said) != 0 {
		t.Fatalf("said at once: %q", said)
	}
	for range 5 {
		operations[0].Failed("fetching", broken)
	}
	if said := lines(hook); len(said) != 1 {
		t.Errorf("said %q", said)
	}
}

func TestABreakThatIsOverAtOnceIsNotSaid(t *testing.T) {
	hook, operations := shared(2)
	for _, n := range operations {
		n.Failed("fetching", broken)
		n.Over("fetching: works again")
	}
	if said := lines(hook); len(said) != 0 {
		t.Errorf("said %q", said)
	}
}

// A problem of one operation has its own beginning and end, whatever shared cause comes in
// between.
func TestOwnTroubleIsSaidBesideTheSharedCause(t *testing.T) {
	hook, operations := shared(1)
	n := operations[0]
	n.Failed("fetching", errors.New("no leader"))
	n.Failed("fetching", refused)
	n.Failed("fetching", errors.New("no leader"))
	n.Over("fetching: works again")
	want := []string{
		"warning fetching: no leader", "warning a broker cannot be reached: " + string(refused), "info the brokers can be reached again",
		"warning fetching: no leader", "info fetching: works again",
	}
	if said := lines(hook); !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}

func TestWithoutASharedLogEachOperationSpeaksForItself(t *testing.T) {
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.InfoLevel)
	New(log).Failed("fetching", refused)
	if said := lines(hook); len(said) != 1 || said[0] != "warning fetching: "+string(refused) {
		t.Errorf("said %q", said)
	}
}
