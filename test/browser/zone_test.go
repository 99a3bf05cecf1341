//go:build browser

package browser

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"remux-retrier/internal/page"
	"remux-retrier/internal/story"
)

func TestTimesAreInTheReadersZoneWhereThatIsWanted(t *testing.T) {
	t.Parallel()
	s := newService(func(s *page.Status) {
		s.Retries = []page.RetriesOfHour{{From: time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC), Accepted: 12, Recovered: 9, FailedAgain: 1, NotHeardOf: 2}}
		s.Notes = []string{"Throttled by MPC since 2026-11-23 20:00:00 UTC: 63 of 100 calls a minute admitted"}
	}).withAnswers()
	until := time.Date(2026, 11, 23, 22, 30, 0, 0, time.UTC)
	s.add("538526", "", nil, story.Step{Kind: story.BackoffWait, Until: until})
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[1], "light")
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kolkata"})
		return err
	}))
	b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
	const utc = `document.querySelector('#latest .time').textContent`
	before := value[string](b, utc)
	choose := func(zone string) {
		_ = value[bool](b, `(() => { const z = document.getElementById('zone'); z.value = '`+zone+`'; return z.dispatchEvent(new Event('change')) })()`)
	}
	choose("local")
	for where, want := range map[string]string{
		"#time-head": "UTC+05:30", "#retries-head": "UTC+05:30", "#retries-rows": "11-24 01:30\t12\t9\t1\t0\t2", "#notes": "2026-11-24 01:30:00 UTC+05:30", "#story-verdict": "04:00:00 UTC+05:30", "#story-events": "04:00:00 UTC+05:30",
	} {
		if words := b.text(where); !strings.Contains(words, want) {
			t.Errorf("%s does not say %q: %q", where, want, words)
		}
	}
	if now := value[string](b, utc); now == before {
		t.Errorf("the list still says %s", now)
	}
	if words := value[string](b, `document.body.innerText`); strings.Contains(words, " UTC:") || strings.Contains(words, "00 UTC ") {
		t.Errorf("UTC is left: %s", words)
	}
	b.checkPage(url)
	b.keep("zone-phone")
	b.do(chromedp.Reload())
	b.until(`document.getElementById('connection').textContent === 'live' && document.getElementById('zone').value === 'local' && document.getElementById('time-head').textContent.includes('+05:30')`)
	choose("utc")
	b.until(utc + ` === '` + before + `'`)
	b.checkPage(url)
}
