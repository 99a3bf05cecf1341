package page

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// slowly makes a reading take so long in virtual time, or until its context ends, and
// counts readings.
func slowly(s *source, long time.Duration) (readings *atomic.Int64) {
	readings = &atomic.Int64{}
	s.topics = func(ctx context.Context) (history.History, error) {
		readings.Add(1)
		select {
		case <-time.After(long):
		case <-ctx.Done():
			return *knows(asked(time.Hour, false)), ctx.Err()
		}
		return *knows(asked(time.Hour, true), replied(time.Hour, events.Accepted)), nil
	}
	return readings
}

// ask requests a task in a goroutine, until the context ends.
func ask(ctx context.Context, running *sync.WaitGroup, p *Page, id string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	running.Go(func() { p.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/api/tasks/"+id, nil)) })
	return w
}

func TestWhoAsksForTheSameTaskSharesOneReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		readings := slowly(s, 3*time.Second)
		p := newPage(t, s)
		var running sync.WaitGroup
		var answers []*httptest.ResponseRecorder
		for range 20 {
			answers = append(answers, ask(t.Context(), &running, p, "7"))
			time.Sleep(100 * time.Millisecond)
		}
		running.Wait()
		for _, w := range answers {
			if got := decode[Task](t, w); got.Verdict.Code != "accepted" || got.TopicsState != TopicsRead {
				t.Errorf("%+v", got)
			}
		}
		time.Sleep(3*time.Second - time.Millisecond)
		if get(p, "/api/tasks/7"); readings.Load() != 1 {
			t.Error("what was read in 3 s is not shared for as long")
		}
		time.Sleep(2 * time.Millisecond)
		if get(p, "/api/tasks/7"); readings.Load() != 2 {
			t.Error("what was read in 3 s is shared for longer")
		}
		if n := len(p.readings.byTask); n != 1 {
			t.Errorf("%d readings are kept", n)
		}
	})
}

func TestAPlaceIsWaitedForBeforeThePageIsBusy(t *testing.T) {
	for long, state := range map[time.Duration]string{slotTimeout - time.Millisecond: TopicsRead, slotTimeout + time.Millisecond: TopicsBusy} {
		synctest.Test(t, func(t *testing.T) {
			s := newSource()
			slowly(s, long)
			p := newPage(t, s)
			var running sync.WaitGroup
			for i := range maxReadings {
				ask(t.Context(), &running, p, fmt.Sprint("other-", i))
			}
			synctest.Wait()
			got := decode[Task](t, get(p, "/api/tasks/7"))
			if got.TopicsState != state || (got.Topics == nil) != (state == TopicsBusy) || (got.Verdict.Code == busy) != (state == TopicsBusy) {
				t.Errorf("readings of %v: %+v", long, got)
			}
			running.Wait()
			if got := decode[Task](t, get(p, "/api/tasks/7")); got.TopicsState != TopicsRead {
				t.Errorf("asked again after readings of %v: %+v", long, got)
			}
		})
	}
}

func TestAReadingGoesOnForThoseWhoStillWaitAndEndsWithTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		readings := slowly(s, 4*time.Second)
		p := newPage(t, s)
		var running sync.WaitGroup
		first, firstGone := context.WithCancel(t.Context())
		second, secondGone := context.WithCancel(t.Context())
		ask(first, &running, p, "7")
		synctest.Wait()
		ask(second, &running, p, "7")
		last := ask(t.Context(), &running, p, "7")
		time.Sleep(time.Second)
		firstGone()
		secondGone()
		running.Wait()
		if got := decode[Task](t, last); got.TopicsState != TopicsRead || readings.Load() != 1 {
			t.Errorf("who still waits gets %+v after %d readings", got, readings.Load())
		}
		began := time.Now()
		ctx, gone := context.WithCancel(t.Context())
		alone := ask(ctx, &running, p, "8")
		synctest.Wait()
		gone()
		running.Wait()
		if got := decode[Task](t, alone); time.Since(began) != 0 || got.TopicsState != TopicsPart || len(got.Topics.Entries) != 1 {
			t.Errorf("it ends after %v, and what was read is lost: %+v", time.Since(began), got)
		}
		if got := decode[Task](t, get(p, "/api/tasks/8")); got.TopicsState != TopicsRead || len(p.readings.slots) != 0 {
			t.Errorf("who asks afterwards gets %+v, %d slots are taken", got, len(p.readings.slots))
		}
	})
}

func TestAReadingThatPanicsBlocksNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		p := newPage(t, s)
		s.topics = func(context.Context) (history.History, error) {
			time.Sleep(time.Second)
			panic("an unexpected record")
		}
		var running sync.WaitGroup
		running.Go(func() {
			defer func() { _ = recover() }() // as net/http does
			get(p, "/api/tasks/7")
		})
		synctest.Wait()
		if got := decode[Task](t, get(p, "/api/tasks/7")); got.TopicsState != TopicsFailed || got.TopicsProblem == "" {
			t.Errorf("%+v", got)
		}
		running.Wait()
		s.topics = nil
		if got := decode[Task](t, get(p, "/api/tasks/7")); got.TopicsState != TopicsRead || len(p.readings.slots) != 0 {
			t.Errorf("%+v, %d slots are taken", got, len(p.readings.slots))
		}
	})
}

// silent is a service whose brokers never answer.
type silent struct{ *source }

func (s silent) Home(ctx context.Context, _ string) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (s silent) Owner(ctx context.Context, _ int) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// The server of package admin allows 10 s for an answer.
func TestAnAnswerComesBeforeTheServerGivesItUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		slowly(s, time.Hour)
		p := newPage(t, s)
		p.cfg.Source = silent{s}
		for range maxReadings {
			p.readings.slots <- struct{}{}
		}
		time.AfterFunc(slotTimeout-time.Millisecond, func() { <-p.readings.slots })
		began := time.Now()
		got := decode[Task](t, get(p, "/api/tasks/7"))
		if took := time.Since(began); took > 9*time.Second || took < topicsTimeout || got.TopicsState != TopicsPart {
			t.Errorf("after %v: %+v", took, got)
		}
		<-p.readings.slots
	})
}

func TestTheVerdictSaysWhyTheTopicsTellNothing(t *testing.T) {
	some := history.History{Read: 7, Entries: []history.Entry{replied(time.Hour, events.BudgetExhausted)}}
	silence := fmt.Errorf("%w: %w", history.ErrNoAnswer, context.DeadlineExceeded)
	for _, c := range []struct {
		hazard      string
		read        history.History
		err         error
		stories     []story.Story
		state, code string
		says        string
	}{
		{"all was read", *knows(replied(time.Hour, events.BudgetExhausted)), nil, nil, TopicsRead, "budget_exhausted", ""},
		{"the limit came before the end", some, nil, nil, TopicsPart, "budget_exhausted", "Only a part of the topics"},
		{"the brokers fell silent", some, silence, nil, TopicsSilent, "budget_exhausted", "Only a part of the topics"},
		{"the brokers are silent", history.History{}, silence, nil, TopicsSilent, KafkaAway, "before Kafka answers"},
		{"the limit came before anything", history.History{Read: 7}, nil, nil, TopicsPart, notKnownHere, "too long"},
		{"something else is wrong", history.History{}, errors.New("no right to read"), nil, TopicsFailed, notKnownHere, ""},
		{"it is at work on it", some, nil, []story.Story{a(story.Step{Kind: story.Call})}, TopicsPart, atWork, "Calls MPC"},
		{"it remembers an answer", some, nil, []story.Story{answeredStory("538526", events.Accepted)}, TopicsPart, "accepted", "Only a part of the topics"},
		{"it remembers, Kafka does not", history.History{}, silence, []story.Story{answeredStory("538526", events.Accepted)}, TopicsSilent, "accepted", ""},
	} {
		s := newSource()
		s.stories, s.status.MPC.Available = c.stories, true
		s.topics = func(context.Context) (history.History, error) { return c.read, c.err }
		got := decode[Task](t, get(newPage(t, s), "/api/tasks/538526"))
		hedged := strings.Contains(got.Verdict.Text, "Only a part of the topics")
		if got.TopicsState != c.state || got.Verdict.Code != c.code || !strings.Contains(got.Verdict.Text, c.says) || hedged != strings.HasPrefix(c.says, "Only a part") {
			t.Errorf("%s: %+v", c.hazard, got)
		}
		if (got.Topics == nil) != (c.read.Read == 0 && c.err != nil) || (got.TopicsProblem == "") != (c.state == TopicsRead) {
			t.Errorf("%s: topics %+v, problem %q", c.hazard, got.Topics, got.TopicsProblem)
		}
	}
}

func TestOfAStormOnlyAFewStoriesAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		ended, open int
		first       string // the offsets of the stories that are shown, abbreviated
	}{
		"few":             {20, 20, "0 1 … 38 39"},
		"all ended":       {5000, 0, "4950 4951 … 4998 4999"},
		"some unfinished": {5000, 20, "4970 4971 … 5018 5019"},
		"all unfinished":  {0, 8192, "0 1 … 8190 8191"},
		"both":            {5000, 5000, "5000 5001 … 9998 9999"},
	} {
		s := newSource()
		for i := range c.ended + c.open {
			one := answeredStory("7", events.Covered)
			one.Source.Offset = int64(i)
			if i >= c.ended {
				one.Steps, one.Finished, one.Outcome = one.Steps[:1], false, nil
			}
			s.stories = append(s.stories, one)
		}
		w := get(newPage(t, s), "/api/tasks/7?topics=false")
		got := decode[Task](t, w)
		n := len(got.Stories)
		text := fmt.Sprint(got.Stories[0].Offset, got.Stories[1].Offset, " … ", got.Stories[n-2].Offset, got.Stories[n-1].Offset)
		if text != c.first || n+got.StoriesLeftOut != c.ended+c.open || n > maxStories || w.Body.Len() > 50_000 {
			t.Errorf("%s: %s, %d stories, %d left out, %d bytes", name, text, n, got.StoriesLeftOut, w.Body.Len())
		}
	}
}

func TestWhatIsLeftOutOfTheTopicsIsTold(t *testing.T) {
	s := newSource()
	s.topics = func(context.Context) (history.History, error) {
		h := knows(asked(2*time.Hour, true), asked(time.Minute, true))
		h.LeftOut = &history.Gap{Count: 479_890, First: noon.Add(-time.Hour), Last: noon.Add(-time.Minute)}
		return *h, nil
	}
	got := decode[Task](t, get(newPage(t, s), "/api/tasks/538526")).Topics
	if len(got.Entries) != 3 || got.Entries[1].Kind != "left_out" || !strings.Contains(got.Entries[1].Sentence, "479890 more are left out") || got.LeftOut != 479_890 {
		t.Errorf("%+v", got)
	}
}
