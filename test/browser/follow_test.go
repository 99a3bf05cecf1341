//go:build browser

package browser

import (
	"errors"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/page"
	"remux-retrier/internal/story"
)

// unanswered is a failure event in the topic without an answer.
func unanswered() []history.Entry {
	return []history.Entry{{Kind: history.FailureEvent, At: time.Now(), Topic: "remux.failed", Partition: 3, Offset: 4711, Failure: &history.Failure{}}}
}

func (b *tab) untilVerdict(code string) {
	b.t.Helper()
	b.until(`document.getElementById('story-verdict').dataset.code === '` + code + `'`)
}

func TestAStoryIsToldOnWhileTheTaskWaits(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.untilVerdict("quota")
	s.mu.Lock()
	s.stories = nil
	s.mu.Unlock()
	s.add("538526", events.Accepted, nil, story.Step{Kind: story.Call}, story.Step{Kind: story.Accepted})
	b.untilVerdict("accepted")
	b.until(`document.querySelectorAll('#story-events li').length === 5`)
}

// The new process knows nothing of the old one's state.
func TestAStoryLeftOpenOverARestartIsToldFromTheTopics(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	url, stop := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.untilVerdict("quota")
	stop()
	again := newService(nil)
	again.topics["538526"] = unanswered()
	_, _ = serve(t, again, again.clock, strings.TrimPrefix(url, "http://"))
	b.untilVerdict("in_topic")
	again.add("538526", events.Accepted, nil, story.Step{Kind: story.Call}, story.Step{Kind: story.Accepted})
	b.untilVerdict("accepted")
}

func TestAStoryThatLeavesTheInstanceNamesItsNewOwner(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	s.topics["538526"] = unanswered()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.until(`document.getElementById('story-where').textContent.includes('which owns its partition')`)
	s.mu.Lock()
	s.stories = nil
	s.set = func(status *page.Status) { status.Partitions = status.Partitions[:2] }
	s.mu.Unlock()
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait}, story.Step{Kind: story.GivenUp, Detail: "the group rebalances"})
	b.untilVerdict("in_topic")
	if words := b.text("#story"); strings.Contains(words, "which owns its partition") || !strings.Contains(words, "remux-retrier-1, whose page knows more") {
		t.Errorf("the old owner is still shown: %s", words)
	}
}

// Reading the topics takes the brokers seconds: an open page must not keep others from it,
// and a failed reading proves nothing.
func TestAStoryThatOnlyTheTopicsKnowIsReadSeldomAndNotUnsaid(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.topics["538526"] = unanswered()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.untilVerdict("in_topic")
	s.mu.Lock()
	s.away, s.asked, s.read = errors.New("busy"), 0, 0
	s.mu.Unlock()
	counts := func() (asked, read int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.asked, s.read
	}
	deadline := time.Now().Add(40 * time.Second)
	for asked, read := counts(); asked-read < 8; asked, read = counts() { // there are two seconds between two requests
		if read > 1 || time.Now().After(deadline) {
			t.Fatalf("the topics were read %d times while the memory was asked %d times", read, asked-read)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if _, read := counts(); read != 1 {
		t.Errorf("the topics were read %d times, want once in 16 seconds", read)
	}
	if code := value[string](b, `document.getElementById('story-verdict').dataset.code`); code != "in_topic" || !strings.Contains(b.text("#story"), "Records in the topics") {
		t.Errorf("a failed reading has changed the verdict to %s", code)
	}
}
