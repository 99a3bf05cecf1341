package notice

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/clock"
)

func TestAMillionAlikeAreAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, hook := test.NewNullLogger()
		tally := NewTally(clock.System, log)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); tally.Run(ctx) }()
		first := 0
		for range 1_000_000 {
			if tally.First("dead letter, not_json") {
				first++
			}
			time.Sleep(90 * time.Microsecond) // 90 s in all
		}
		stop()
		<-ended
		sum := first
		for _, e := range hook.AllEntries() {
			sum += e.Data["more"].(int)
		}
		if said := hook.AllEntries(); first != 2 || len(said) != 2 || sum != 1_000_000 {
			t.Errorf("%d said in full, %d lines, %d in all", first, len(said), sum)
		}
		if !tally.First("dead letter, not_json") {
			t.Error("the next minute's first is not said")
		}
	})
}

func TestOneOfAKindIsSaidAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, hook := test.NewNullLogger()
		tally := NewTally(clock.System, log)
		if !tally.First("a") || !tally.First("b") || tally.First("a") {
			t.Error("kinds are not told apart")
		}
		tally.flush()
		if said := hook.AllEntries(); len(said) != 1 || said[0].Data["more"] != 1 {
			t.Errorf("%v", said)
		}
	})
}

func TestTheFirstOnesAreLoggedWhereThatIsAskedFor(t *testing.T) {
	log, hook := test.NewNullLogger()
	tally := NewTally(clock.System, log)
	full := 0
	for range 1000 {
		if tally.Among(100, logrus.InfoLevel, "retried, covered") {
			full++
		}
	}
	tally.flush()
	if e := hook.LastEntry(); full != 100 || e == nil || e.Data["more"] != 900 || e.Level != logrus.InfoLevel {
		t.Errorf("%d in full, then %v", full, e)
	}
}

func TestKindsFromOutsideFillNoMemory(t *testing.T) {
	log, _ := test.NewNullLogger()
	tally := NewTally(clock.System, log)
	first := 0
	for i := range 100_000 {
		if tally.First(fmt.Sprint(i)) {
			first++
		}
	}
	if len(tally.kinds) > maxKinds+1 || first > maxKinds+1 {
		t.Errorf("%d kinds are kept, %d were said", len(tally.kinds), first)
	}
}
