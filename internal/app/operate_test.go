package app

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"remux-retrier/mpcclient"
)

func TestOnlyWhatSaysThatMPCDoesNotServeIsItsTrouble(t *testing.T) {
	var last trouble
	for _, err := range []error{nil, errors.New("cancelled"), &mpcclient.Error{Class: mpcclient.TaskNotFound, Status: 400}} {
		last.heard(err)
		if text, at := last.last(); text != "" || at != nil {
			t.Fatalf("%v is told: %q", err, text)
		}
	}
	last.heard(&mpcclient.Error{Class: mpcclient.Transient, Status: 503})
	if text, at := last.last(); !strings.Contains(text, "503") || at == nil {
		t.Errorf("%q at %v", text, at)
	}
}

func TestWhatIsNotKnownOrNotLimitedIsNull(t *testing.T) {
	if known(time.Time{}) != nil || limited(math.Inf(1)) != nil {
		t.Error("told though it is not")
	}
	if n := limited(0); n == nil || *n != 0 {
		t.Error("a share of 0 is no missing limit")
	}
}
