//go:build browser

package browser

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/page"
	"remux-retrier/internal/story"
)

func TestAPageLeftOpenFindsBackAfterARestart(t *testing.T) {
	s := newService(nil)
	url, stop := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	stop()
	b.until(`document.body.classList.contains('stale') && document.getElementById('connection').textContent.includes('not answering since')`)

	again := newService(func(s *page.Status) { s.Instance = "remux-retrier-0-again" })
	_, _ = serve(t, again, again.clock, strings.TrimPrefix(url, "http://"))
	b.until(`document.getElementById('connection').textContent === 'live' && document.getElementById('instance').textContent.includes('again')`)
}

// A browser gives a stream up for good that is answered with an error.
func TestAPageBehindAProxyThatSaysBadGatewayFindsBack(t *testing.T) {
	s := newService(nil)
	url, stop := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	stop()
	addr := strings.TrimPrefix(url, "http://")
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1)
	proxy := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "bad gateway", http.StatusBadGateway)
		select {
		case asked <- struct{}{}:
		default:
		}
	})}
	go func() { _ = proxy.Serve(listener) }()
	select {
	case <-asked:
	case <-time.After(20 * time.Second):
		t.Error("nobody asks the proxy")
	}
	_ = proxy.Shutdown(b.ctx)
	again := newService(func(s *page.Status) { s.Instance = "remux-retrier-0-again" })
	_, _ = serve(t, again, again.clock, addr)
	b.until(`document.getElementById('instance').textContent.includes('again')`)
}

func TestAPageOfAnOlderVersionLoadsTheNewOne(t *testing.T) {
	s := newService(nil)
	url, stop := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	_ = value[int](b, `window.old = 1`)
	stop()
	upgraded := newService(func(s *page.Status) { s.Version = "v1.5.0" })
	_, _ = serve(t, upgraded, upgraded.clock, strings.TrimPrefix(url, "http://"))
	b.until(`!window.old && document.getElementById('about').textContent.includes('v1.5.0')`)
}

func TestAStoryIsToldOnWhileTheTaskWaits(t *testing.T) {
	s := newService(nil)
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url+"/#task=538526", sizes[0], "light")
	b.until(`document.getElementById('story-verdict').dataset.code === 'quota'`)
	s.mu.Lock()
	s.stories = nil
	s.mu.Unlock()
	s.add("538526", events.Accepted, nil, story.Step{Kind: story.Call}, story.Step{Kind: story.Accepted})
	b.until(`document.getElementById('story-verdict').dataset.code === 'accepted'`)
	b.until(`document.querySelectorAll('#story-events li').length === 5`)
}

func TestTheListFollowsItsFilter(t *testing.T) {
	s := newService(nil).aDay()
	url, _ := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	all := b.number(`document.querySelectorAll('#latest tr').length`)
	filter := func(id, event, text string) float64 {
		_ = value[bool](b, `(() => { const f = document.getElementById('`+id+`'); f.value = '`+text+`'; return f.dispatchEvent(new Event('`+event+`')) })()`)
		return b.number(`document.querySelectorAll('#latest tr').length`)
	}
	if n := filter("filter-outcome", "change", "retry_failed"); n == 0 || n >= all {
		t.Errorf("%v of %v are retry_failed", n, all)
	}
	if n := filter("filter-text", "input", "10211"); n != 3 {
		t.Errorf("%v have the code, want 3", n)
	}
	if n := filter("filter-text", "input", "no such thing"); n != 0 || !strings.Contains(b.text("#no-latest"), "None") {
		t.Errorf("%v: %q", n, b.text("#no-latest"))
	}
}
