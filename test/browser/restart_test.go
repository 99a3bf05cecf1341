//go:build browser

package browser

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/page"
)

func TestAPageLeftOpenReconnectsAfterARestart(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	url, stop := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	stop()
	b.until(`document.body.classList.contains('stale') && document.getElementById('connection').textContent.includes('no data since')`)
	b.until(`document.title.startsWith('This instance does not answer') && document.getElementById('state').dataset.mood === 'bad'`)
	if words := b.text("#state"); !strings.HasPrefix(words, "This instance does not answer") || strings.Contains(words, "Working") {
		t.Errorf("at a glance it looks healthy: %s", words)
	}
	b.keep("silent")

	again := newService(func(s *page.Status) { s.Instance = "remux-retrier-0-again" })
	_, _ = serve(t, again, again.clock, strings.TrimPrefix(url, "http://"))
	b.until(`document.getElementById('connection').textContent === 'live' && document.getElementById('instance').textContent.includes('again') && document.title.startsWith('Working')`)
}

// A browser does not reconnect a stream that was answered with an error.
func TestAPageBehindAProxyThatSaysBadGatewayReconnects(t *testing.T) {
	t.Parallel()
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
		t.Error("the proxy gets no requests")
	}
	_ = value[string](b, `location.hash = '#task=538526'`)
	b.until(`document.getElementById('verdict-text').textContent === 'The answer was HTTP 502, without JSON.'`)
	_ = proxy.Shutdown(b.ctx)
	again := newService(func(s *page.Status) { s.Instance = "remux-retrier-0-again" })
	_, _ = serve(t, again, again.clock, addr)
	b.until(`document.getElementById('instance').textContent.includes('again')`)
	b.until(`document.getElementById('story-verdict').dataset.code === 'never_seen'`)
}

func TestThePageBeyondTheLastSaysThatTooManyAreOpen(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	url, _ := serve(t, s, s.clock, "")
	ctx, closeThem := context.WithCancel(t.Context())
	defer closeThem()
	for range 500 {
		r, err := http.NewRequestWithContext(ctx, "GET", url+"/api/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
	}
	b := newTab(t, sizes[0], "light", url)
	b.until(`document.title.startsWith('This page gets no data') && document.getElementById('state-text').textContent.startsWith('too many pages are open: close some')`)
	closeThem()
	b.until(`document.getElementById('connection').textContent === 'live' && document.title.startsWith('Working')`)
}

func TestAPageOfAnOlderVersionLoadsTheNewOne(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	url, stop := serve(t, s, s.clock, "")
	b := open(t, url, sizes[0], "light")
	_ = value[int](b, `window.old = 1`)
	stop()
	upgraded := newService(func(s *page.Status) { s.Version = "v1.5.0" })
	_, _ = serve(t, upgraded, upgraded.clock, strings.TrimPrefix(url, "http://"))
	b.until(`!window.old && document.getElementById('about').textContent.includes('v1.5.0')`)
}

func TestTheListFollowsItsFilter(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
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
