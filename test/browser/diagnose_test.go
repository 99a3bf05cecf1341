//go:build browser

package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"remux-retrier/internal/page"
	"remux-retrier/internal/story"
)

func TestAFloodOfUnreadableRecordsIsSaidAndLeadsToTheLetters(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	s.flood = 600
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, map[bool]string{true: "dark", false: "light"}[w.phone])
		b.until(`document.getElementById('state').dataset.state === 'unreadable'`)
		if title := b.text("#state-title"); !strings.Contains(title, "unreadable records in 5 min: no_task_id") {
			t.Errorf("the headline is %q", title)
		}
		if mood := value[string](b, `document.getElementById('state').dataset.mood`); mood != "wait" {
			t.Errorf("its colour is %q's", mood)
		}
		b.keep("unreadable-" + w.name)
		_ = value[bool](b, `(document.querySelector('#state-letters a').click(), true)`)
		b.until(`document.getElementById('filter-outcome').value === 'dead_letter'`)
		b.until(`[...document.querySelectorAll('#latest .chip')].length > 0 && [...document.querySelectorAll('#latest .chip')].every((chip) => chip.dataset.outcome === 'dead_letter')`)
		b.checkPage(url)
	}
}

// One waiting task holds back the low-water mark: then the lag does not show how much is
// left to do.
func TestTheLagOfOneTaskThatWaitsIsExplained(t *testing.T) {
	t.Parallel()
	s := newService(func(s *page.Status) {
		s.Flow = page.Flow{Lag: 102, LagKnown: true, Unanswered: 1, Held: 1, Waiting: page.Waiting{Backoff: 1}, OldestAt: s.Flow.OldestAt}
		s.Partitions = []page.Partition{{Partition: 3, Committed: 898, Next: 1000, End: 1000, Unanswered: 1}}
	})
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, "light")
		if first := value[string](b, `document.querySelector('#flow .node').textContent`); !strings.HasPrefix(first, "Unanswered1") || !strings.Contains(first, "lag 102") {
			t.Errorf("the picture begins with %q", first)
		}
		if words := b.text("#lag-text"); !strings.Contains(words, "only 1 event is unanswered") || !strings.Contains(words, "101 records after it are answered already") {
			t.Errorf("the lag is not explained: %q", words)
		}
		if row := value[string](b, `[...document.querySelectorAll('#partitions td')].slice(0, 3).map((cell) => cell.textContent).join()`); row != "3,1,102" {
			t.Errorf("the partition's row is %q", row)
		}
		b.keep("lag-" + w.name)
		b.checkPage(url)
	}
}

// "Owns its partition, 6" above "offset 711 of partition 1" would send an operator to the
// wrong instance.
func TestAStoryNamesTheRecordsOwnPartitionThroughout(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.add("1", "", nil, story.Step{Kind: story.QuotaWait})
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait}) // in partition 1; the id's own would be 6
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.until(`document.getElementById('story-where').textContent.includes('owns its partition')`)
	if words := b.text("#story"); !strings.Contains(words, "which owns its partition, 1.") || !strings.Contains(words, "of partition 1") || strings.Contains(words, "partition, 6") {
		t.Errorf("it says: %s", words)
	}
}

// An instance that does not know its partitions has a share of 0: the page must not show 0
// of 0.
func TestWithoutAShareTheGaugeShowsNoFigure(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"kafka_away", "joining", "starting", "standby"} {
		set := stateNamed(name)
		s := newService(func(s *page.Status) {
			set(s)
			s.Kafka.Joined, s.MPC.Share, s.MPC.Rate = false, per(0), per(0)
		})
		url, _ := serve(t, s, s.clock, "")
		b := open(t, url, sizes[1], "light")
		if gauge := value[string](b, `document.getElementById('gauge').textContent + document.getElementById('gauge').getAttribute('aria-label') + document.getElementById('quota-text').textContent`); strings.Contains(gauge, "0 of 0") || strings.Contains(gauge, "of 0") || !strings.Contains(gauge, "–") {
			t.Errorf("%s: the gauge says %q", name, gauge)
		}
		b.keep("gauge-" + name)
		b.checkPage(url)
	}
}

func TestTheStatesOfTheLastHoursAreListed(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.set = func(status *page.Status) {
		switch minute := s.clock.Now().Sub(s.start).Minutes(); {
		case minute > 20 && minute < 32:
			stateNamed("outage-credentials")(status)
			status.MPC.DownSince = at(s.start.Add(20 * time.Minute))
			status.MPC.LastErrorAt = status.MPC.DownSince
		case minute > 40 && minute < 45:
			stateNamed("throttled")(status)
			status.MPC.ThrottledSince = at(s.start.Add(40 * time.Minute))
		}
	}
	url, _ := serve(t, s, s.clock, "")
	for _, w := range sizes {
		b := open(t, url, w, map[bool]string{true: "dark", false: "light"}[w.phone])
		b.until(`document.querySelectorAll('#changes li').length >= 5`)
		words := b.text("#changes")
		for _, say := range []string{"now", "Throttled by MPC: 63 of 100 calls a minute admitted", "for 5 min", "MPC rejects our credentials: renew MPC_AUTH_TOKEN", "for 12 min"} {
			if !strings.Contains(words, say) {
				t.Errorf("%s: %q is not said: %s", w.name, say, words)
			}
		}
		b.keep("changes-" + w.name)
		b.checkPage(url)
	}
}

// Keyboard users must not have to pass a hundred links before the partitions.
func TestAKeyboardReachesThePartitionsInFewSteps(t *testing.T) {
	t.Parallel()
	s := newService(stateNamed("stuck")).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	for stops := 1; ; stops++ {
		b.do(chromedp.KeyEvent(kb.Tab))
		at := value[string](b, `document.activeElement.getAttribute('aria-labelledby') || document.activeElement.className`)
		if stops == 1 && at != "skip" {
			t.Errorf("the first stop is %q", at)
		}
		if at == "partitions-title" {
			t.Logf("%d stops", stops)
			return
		}
		if stops >= 20 {
			t.Fatalf("after 20 stops the focus is on %q", at)
		}
	}
}

func TestTheSkipLinkLeadsToTheContentAndKeepsTheOpenTask(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.untilVerdict("quota")
	_ = value[bool](b, `(document.querySelector('.skip').click(), true)`)
	if got := value[string](b, `document.activeElement.id + location.hash`); got != "main#task=538526" || value[bool](b, `document.getElementById('story').hidden`) {
		t.Errorf("%q", got)
	}
}
