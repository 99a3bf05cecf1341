package page

import (
	"errors"
	"net/http"
	"testing"
)

// However many pages are open, the brokers must not be asked often.
func TestTheGroupIsAskedForItsMembersSeldom(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	for range 50 {
		if got := decode[Instances](t, get(p, "/api/instances")).Instances; len(got) != 2 || got[1].Instance != "retrier-1" || !got[0].Here {
			t.Fatalf("%+v", got)
		}
	}
	if s.members != 1 {
		t.Errorf("it was asked %d times", s.members)
	}
}

func TestAGroupThatDoesNotAnswerIsNoEmptyGroup(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	s.broken = errors.New("dial tcp: refused")
	if w := get(p, "/api/instances"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
