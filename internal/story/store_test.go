package story

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"remux-retrier/events"
)

func TestATasksStoriesAreToldOldestFirstAndTheLatestNewestFirst(t *testing.T) {
	s, clock := open(t, 0)
	a1 := s.Begin("a", at(1), events.Failure{TaskID: "a", ErrorCode: "MPC.10105", ID: "e-1"})
	b := s.Begin("b", at(2), events.Failure{TaskID: "b"})
	a2 := s.Begin("a", at(3), events.Failure{TaskID: "a"})
	before := s.Version()
	tell(clock, a1, of(Received)...)
	tell(clock, b, of(Received, Call, Accepted, Answered, Published)...)
	tell(clock, a2, of(Received, GivenUp)...)
	if s.Version() == before {
		t.Error("the version has not changed")
	}
	stories := s.Task("a")
	if len(stories) != 2 || stories[0].Source.Offset != 1 || stories[1].Source.Offset != 3 ||
		stories[0].Finished || !stories[1].Finished || stories[0].EventID != "e-1" || stories[0].Failure.ErrorCode != "MPC.10105" {
		t.Errorf("got %+v", stories)
	}
	latest := s.Latest()
	if len(latest) != 2 || latest[0].TaskID != "a" || latest[1].TaskID != "b" || kinds(latest[1]) != "received published" {
		t.Errorf("latest: %+v", latest)
	}
	if s.Task("c") != nil {
		t.Error("stories of an unknown task")
	}
}

func TestWhatIsToldDoesNotChangeAfterwards(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	tell(clock, r, of(Received, Call)...)
	told := s.Task("a")[0]
	told.Steps[0].Kind = "spoilt"
	tell(clock, r, of(Refused)...)
	if len(told.Steps) != 2 || kinds(s.Task("a")[0]) != "received call refused" {
		t.Errorf("told %s, then %s", kinds(told), kinds(s.Task("a")[0]))
	}
}

// A query may end after the event's story has finished.
func TestStepsAfterTheEndArePassedOver(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	tell(clock, r, of(Received, GivenUp, State, GivenUp)...)
	if got := kinds(s.Task("a")[0]); got != "received given_up" || len(s.Latest()) != 1 {
		t.Errorf("got %s, finished %d times", got, len(s.Latest()))
	}
}

func TestTheOutcomeIsKeptWithoutWhatItCovers(t *testing.T) {
	s, _ := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{TaskID: "a", Description: strings.Repeat("é", 1000), UserData: strings.Repeat("é", 2000)})
	o := events.Outcome{Reason: events.Rejected, Covers: make([]events.Cover, 1000), Failure: events.Failure{TaskID: "a"},
		Error: &events.APIError{Status: 403, Message: strings.Repeat("é", 1000)}}
	r.Decided(o)
	got := s.Task("a")[0].Outcome
	if got == nil || got.Reason != events.Rejected || got.Covers != nil || got.Error.Status != 403 {
		t.Fatalf("got %+v", got)
	}
	for _, text := range []string{got.Error.Message, got.Failure.Description, got.Failure.UserData} {
		if len(text) > maxText+4 || !utf8.ValidString(text) {
			t.Errorf("a text of %d bytes is kept", len(text))
		}
	}
	if len(o.Covers) != 1000 || len(o.Error.Message) != 2000 {
		t.Error("the outcome that is to be published was changed")
	}
}

func TestTheStoriesThatEndedFirstAreForgottenFirst(t *testing.T) {
	const limit = 1000
	s, clock := open(t, limit)
	open := s.Begin("unfinished", at(0), events.Failure{})
	for i := range int64(3 * limit) {
		tell(clock, s.Begin(fmt.Sprint(i), at(i), events.Failure{}), of(Received, Published)...)
	}
	tell(clock, open, of(Received)...)
	if s.count != limit || len(s.byTask) != limit || len(s.finished) != limit-1 {
		t.Errorf("%d stories of %d tasks, %d finished", s.count, len(s.byTask), len(s.finished))
	}
	if s.Task("0") != nil || s.Task("2999") == nil || s.Task("unfinished") == nil {
		t.Error("the wrong stories were dropped")
	}
}

// A rare dead letter is what an operator looks for.
func TestWhatIsRareIsNotDisplacedFromTheLatest(t *testing.T) {
	s, clock := open(t, 1000)
	end := func(offset int64, reason events.Reason, last Kind) {
		r := s.Begin("a", at(offset), events.Failure{TaskID: "a"})
		if reason != "" {
			r.Decided(events.Outcome{Reason: reason})
		}
		tell(clock, r, of(Received, Call, last)...)
	}
	end(1, "", DeadLetter)
	end(2, events.Rejected, Published)
	for i := range int64(5000) {
		end(10+i, events.Accepted, Published)
		end(10+i, "", AnsweredBefore)
	}
	end(3, "", GivenUp)
	latest := s.Latest()
	became := map[string]int{}
	for _, one := range latest {
		became[one.Became()]++
	}
	if want := map[string]int{"dead_letter": 1, "retry_failed": 1, "retried": keepLatest, "ignored": keepLatest, "given_up": 1}; !maps.Equal(became, want) {
		t.Errorf("%v, want %v", became, want)
	}
	if n := len(latest) - 1; latest[0].Became() != "given_up" || latest[n].Became() != "dead_letter" || latest[n-1].Became() != "retry_failed" || latest[0].Steps[0].Kind != Received {
		t.Errorf("not the newest first: %s, then %s", latest[0].Became(), latest[n].Became())
	}
}

// In an outage thousands of waiting events have steps all the time.
func TestOnlyAnEndIsNewsForTheLatest(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	tell(clock, r, of(Received, QuotaWait, Call, Refused)...)
	if s.Version() != 0 || r.story.Became() != "" {
		t.Errorf("version %d, %q", s.Version(), r.story.Became())
	}
}

func TestUnfinishedStoriesAreKeptBeyondTheLimitAndSomeEndedBesideThem(t *testing.T) {
	s, clock := open(t, 10)
	for i := range int64(1000) {
		tell(clock, s.Begin("open", at(i), events.Failure{}), of(Received)...)
		tell(clock, s.Begin("finished", at(i), events.Failure{}), of(Received, Published)...)
	}
	if open, finished := len(s.Task("open")), len(s.Task("finished")); open != 1000 || finished != keepFinished {
		t.Errorf("%d unfinished, %d finished", open, finished)
	}
}

// Each refusal has a different long text, and no event ends.
func TestMemoryStaysBoundedWhateverTheAPIWrites(t *testing.T) {
	s, clock := open(t, 0)
	garbage := strings.Repeat("x", maxText)
	before := heap()
	for i := range int64(8192) {
		r := s.Begin(fmt.Sprint(i), at(i), events.Failure{Description: garbage + fmt.Sprint(i)})
		for j := range maxSteps + 8 {
			clock.pass(time.Second)
			r.Step(Step{Kind: Refused, Detail: fmt.Sprint(garbage[:200], i, j), Error: &events.APIError{
				Status: 400 + j, Code: fmt.Sprint(j), Message: fmt.Sprint(garbage[:200], i, j)}})
		}
	}
	if used := heap() - before; used > 128<<20 {
		t.Errorf("8,192 unfinished stories take %d MiB", used>>20)
	}
	tell(clock, s.Begin("late", at(1), events.Failure{}), Step{Kind: Refused, Detail: "why"}, Step{Kind: Published})
	if got := s.Task("late"); len(got) != 0 { // it has finished, so it is dropped first
		t.Errorf("kept %+v", got)
	}
	runtime.KeepAlive(s)
}

func TestEndedStoriesAreForgottenBeforeMemoryIsExceeded(t *testing.T) {
	s, clock := open(t, 1_000_000)
	for i := range int64(40_000) {
		tell(clock, s.Begin(fmt.Sprint(i), at(i), events.Failure{Description: strings.Repeat("x", 200)}), of(Received, Call, Accepted, Answered, Published)...)
	}
	sum := 0
	for _, r := range s.finished {
		sum += r.bytes
	}
	if s.bytes > maxBytes || s.bytes != sum || s.count != len(s.finished) || s.count < 1000 {
		t.Errorf("%d stories of %d bytes, counted as %d", s.count, sum, s.bytes)
	}
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestManyTellAndAskAtOnce(t *testing.T) {
	s, _ := open(t, 100)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range int64(500) {
				r := s.Begin(fmt.Sprint(j%7), at(j), events.Failure{})
				r.Step(Step{Kind: Received})
				_, _, _ = s.Task(fmt.Sprint(i)), s.Latest(), s.Version()
				r.Decided(events.Outcome{Reason: events.Accepted})
				r.Step(Step{Kind: Published})
			}
		})
	}
	all.Wait()
	if got := s.Version(); got != 8*500 {
		t.Errorf("version %d", got)
	}
}

func TestAHostileIDIsJustAString(t *testing.T) {
	s, clock := open(t, 0)
	for _, id := range []string{"<script>alert(1)</script>", "../../etc/passwd", "\x00\xff", ""} {
		tell(clock, s.Begin(id, at(1), events.Failure{TaskID: id}), of(Received)...)
		if got := s.Task(id); len(got) != 1 || got[0].TaskID != id {
			t.Errorf("%q: %+v", id, got)
		}
	}
	if s.Task(strings.Repeat("9", 10<<20)) != nil {
		t.Error("found a story of an unknown task")
	}
}

func TestAStoreNeedsAClock(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("accepted without a clock")
	}
	if _, err := New(Config{Clock: &now{}, Max: -1}); err == nil {
		t.Error("accepted with a negative limit")
	}
}

// Pages through the list must neither repeat a story nor leave one out, though others
// end meanwhile.
func TestEarlierStoriesGoOnWhereThePageBeforeEnded(t *testing.T) {
	s, clock := open(t, 0)
	end := func(n int) {
		for i := range n {
			tell(clock, s.Begin(strconv.Itoa(i), at(int64(i)), events.Failure{}), of(Received, Call, Accepted, Answered, Published)...)
		}
	}
	end(250)
	_ = s.Begin("open", at(999), events.Failure{})
	below, seen := uint64(math.MaxUint64), 0
	for page := s.Earlier(below); len(page) > 0; page = s.Earlier(below) {
		for _, one := range page[:min(100, len(page))] {
			if one.Number >= below || len(one.Steps) != 2 || one.Steps[1].Kind != Published {
				t.Fatalf("%+v after %d", one, below)
			}
			below = one.Number
			seen++
		}
		if seen == 100 {
			end(50)
		}
	}
	if seen != 250 {
		t.Errorf("%d were told, want 250", seen)
	}
}
