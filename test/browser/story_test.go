//go:build browser

package browser

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/page"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/story"
)

// slash presses the key as a keyboard does: its character is a result of the key event, so
// the page can suppress it. KeyEvent sends the two separately.
var slash = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		press := input.DispatchKeyEventParams{Type: kind, Key: "/", Code: "Slash", Text: "/", UnmodifiedText: "/"}
		if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, press); err != nil {
			return err
		}
	}
	return nil
})

// ask searches for a task with the keyboard, and waits for the whole answer.
func (b *tab) ask(id string) {
	b.t.Helper()
	b.do(slash, chromedp.KeyEvent(id), chromedp.KeyEvent(kb.Enter))
	b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
}

// stateNamed sets one of the states.
func stateNamed(name string) func(*page.Status) {
	for _, s := range states {
		if s.name == name {
			return s.set
		}
	}
	return nil
}

func TestTheKeyboardAloneFindsWhyATaskIsNotRetried(t *testing.T) {
	t.Parallel()
	const id = "538526"
	missing := &events.APIError{Status: 400, Code: "MPC.10211", Message: "Task does not exist."}
	for _, c := range []struct {
		name, state string
		tell        func(*service)
		code        string
		says        []string
	}{
		{"budget exhausted", "working", func(s *service) { s.add(id, events.BudgetExhausted, nil) },
			"budget_exhausted", []string{"Not retried: its budget is exhausted", "3 retries were accepted", "partition"}},
		{"outage", "outage", func(s *service) { s.add(id, "", nil, story.Step{Kind: story.OutageWait}) },
			"outage", []string{"Still waiting: MPC does not serve", "MPC has not served since", "HTTP 503 MPC.10201"}},
		{"quota", "quota", func(s *service) { s.add(id, "", nil, story.Step{Kind: story.QuotaWait, Detail: "73 before it"}) },
			"quota", []string{"Still waiting: for the quota", "73 before it", "95 requests a minute"}},
		{"its calls fail", "working", func(s *service) {
			s.add(id, "", nil, story.Step{Kind: story.Call}, story.Step{Kind: story.BackoffWait, Until: time.Now().Add(time.Minute), Detail: "attempt 3 of 5, which counts only if MPC serves others meanwhile"})
		}, "backoff", []string{"Still waiting: its last call failed", "attempt 3 of 5, which counts only if MPC serves others meanwhile; next at"}},
		{"task not found", "working", func(s *service) {
			s.add(id, events.TaskNotFound, missing, story.Step{Kind: story.Call}, story.Step{Kind: story.Refused, Error: missing})
		}, "task_not_found", []string{"Not retried: MPC does not know the task", "MPC.10211", "Calls MPC to retry the task."}},
		{"dead letter", "working", func(s *service) {
			s.add(id, "", nil, story.Step{Kind: story.DeadLetter, Detail: "two_task_ids: the field task_id is repeated"})
		}, "dead_letter", []string{"Not retried: its event is a dead letter", "is repeated", "redrive"}},
		{"covered", "working", func(s *service) { s.add(id, events.Covered, nil, story.Step{Kind: story.DuplicateWait}) },
			"covered", []string{"a retry that was sent for another event answers this one too"}},
		{"still waiting elsewhere", "working", func(s *service) {
			s.topics[id] = []history.Entry{{Kind: history.FailureEvent, At: time.Now(), Topic: "remux.failed", Partition: 6, Offset: 4711, Failure: &history.Failure{}}}
		}, "in_topic", []string{"Still waiting in the topic", "offset 4711 of partition 6", "remux-retrier-1 owns that partition", "Records in the topics"}},
		{"success without time", "working", func(s *service) {
			none := time.UnixMilli(-1)
			s.topics[id] = []history.Entry{
				{Kind: history.FailureEvent, At: none, Topic: "remux.failed", Failure: &history.Failure{Answered: true}},
				{Kind: history.Recovered, At: time.Now(), Topic: "remux.recovered", Recovery: &history.Success{Retries: 1, EventTime: none}},
			}
		}, "recovered", []string{"It succeeded at a time that is not known", "no time"}},
		{"never seen", "working", func(*service) {}, "never_seen", []string{"Never seen", "Is the id right"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(stateNamed(c.state))
			c.tell(s)
			url, _ := serve(t, s, s.clock, "")
			b := open(t, url, sizes[0], "light")
			b.ask(id)
			if code := value[string](b, `document.getElementById('story-verdict').dataset.code`); code != c.code {
				t.Errorf("the verdict is %q, want %q", code, c.code)
			}
			words := b.text("#story")
			for _, say := range c.says {
				if !strings.Contains(words, say) {
					t.Errorf("%q is not said: %s", say, words)
				}
			}
			if strings.Contains(words, "1969") || strings.Contains(words, "12-31") {
				t.Errorf("a time that nothing has is shown: %s", words)
			}
			if focused := value[string](b, `document.activeElement.id`); focused != "story-title" {
				t.Errorf("the focus is on %q: a screen reader does not learn of the answer", focused)
			}
			b.do(chromedp.KeyEvent(kb.Escape))
			if gone := value[bool](b, `document.getElementById('story').hidden && document.activeElement.id === 'task'`); !gone {
				t.Error("Escape does not lead back to the search")
			}
			b.checkPage(url)
		})
	}
}

func TestHostileIDsStayText(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"<script>pwned=1</script>", "<img/src=x/onerror=pwned=1>", `"><svg/onload=pwned=1>`, "../../healthz", ".", "..", "%2e%2e", "a/b%2f?c#d", "%00", "\u202egpj.exe",
	} {
		t.Run(id, func(t *testing.T) {
			s := newService(nil)
			s.add(id, events.Rejected, &events.APIError{Status: 403, Code: id, Message: "\x1b[2J\u2066" + id}, story.Step{Kind: story.DuplicateWait, Detail: id})
			s.topics[id] = []history.Entry{{Kind: history.FailureEvent, At: time.Now(), Topic: "remux.failed", Failure: &history.Failure{ID: id, ErrorCode: id, Description: id, Answered: true}}}
			url, _ := serve(t, s, s.clock, "")
			b := open(t, url, sizes[1], "light")
			if listed := value[string](b, `document.querySelector('#latest .task').textContent`); listed != plain.Text(id) {
				t.Errorf("the list shows %q", listed)
			}
			b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#latest a').click()`))
			b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
			if title := value[string](b, `document.getElementById('story-title').textContent`); title != "Task "+plain.Text(id) {
				t.Errorf("the story is %q's", title)
			}
			if code := value[string](b, `document.getElementById('story-verdict').dataset.code`); code != "rejected" {
				t.Errorf("the verdict is %q: was another task asked for?", code)
			}
			if n := b.number(`document.querySelectorAll('main script, main img, #story svg, #latest svg').length + (typeof pwned === 'undefined' ? 0 : 1)`); n != 0 {
				t.Error("an id became markup")
			}
			if turned := value[bool](b, `/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/.test(document.body.textContent.replaceAll('\n', ''))`); turned {
				t.Error("a control character, or one that reverses the direction of text, is on the page")
			}
			b.checkPage(url)
		})
	}
}

func TestWhatCannotBeAnIDIsSaid(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	b.do(slash, chromedp.KeyEvent("two words"), chromedp.KeyEvent(kb.Enter))
	b.until(`document.getElementById('verdict-text').textContent.includes('cannot be a task')`)
}

func TestAnIDOfManyKilobytesIsRefusedInASentence(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	for _, id := range []string{`'x'.repeat(129)`, `'ä'.repeat(65)`, `'x'.repeat(300_000)`, `'x'.repeat(1 << 20)`} {
		_ = value[bool](b, `(() => { document.getElementById('task').value = `+id+`; document.getElementById('search').requestSubmit(); return true })()`)
		b.until(`document.getElementById('verdict-text').textContent.includes('bytes; a task')`)
		_ = value[bool](b, `(document.getElementById('verdict-text').textContent = '', true)`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked > 0 {
		t.Errorf("the service was asked %d times", s.asked)
	}
	b.checkPage(url)
}

func TestTheBrowsersBackLeadsOutOfAStory(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	b.ask("538500")
	_ = value[bool](b, `(history.back(), true)`)
	b.until(`document.getElementById('story').hidden`)
	_ = value[bool](b, `(history.forward(), true)`)
	b.until(`!document.getElementById('story').hidden && document.getElementById('story-title').textContent === 'Task 538500'`)
}

func TestAStormsStoryIsShortAndSaysWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	for range 60 {
		s.add("538526", events.Covered, nil, story.Step{Kind: story.DuplicateWait})
	}
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
	if n := b.number(`document.querySelectorAll('#story-events > section').length`); n != 50 {
		t.Errorf("%v stories are shown", n)
	}
	if words := b.text("#story-where"); !strings.Contains(words, "10 more failure events of the task, which are not shown") {
		t.Errorf("what is left out is not said: %q", words)
	}
	b.checkPage(url)
}
