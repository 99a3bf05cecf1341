//go:build browser

package browser

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"remux-retrier/internal/story"
)

// A proxy shows the page below a path of its own, which it removes.
func TestThePageWorksBelowAPathOfAProxy(t *testing.T) {
	t.Parallel()
	s := newService(nil).withAnswers()
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	own, _ := serve(t, s, s.clock, "")
	target, err := url.Parse(own)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix("/ops/remux-retrier-0", &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
	}}))
	t.Cleanup(proxy.Close)
	b := open(t, proxy.URL+"/ops/remux-retrier-0/#task=538526", sizes[0], "light")
	b.untilVerdict("quota")
	b.until(`document.querySelectorAll('#latest a').length > 3`)
	if links := value[string](b, `[...document.querySelectorAll('a[href]')].filter((a) => !a.href.startsWith(location.origin + '/ops/remux-retrier-')).map((a) => a.href).join()`); links != "" {
		t.Errorf("these links lead out of the path: %s", links)
	}
	if !strings.Contains(value[string](b, `getComputedStyle(document.querySelector('.card')).borderRadius`), "px") {
		t.Error("the page has no style")
	}
	b.until(`document.querySelector('#others a')`)
	if href := value[string](b, `document.querySelector('#others a').getAttribute('href')`); href != proxy.URL+"/ops/remux-retrier-1/" {
		t.Errorf("the other instance's page is at %s", href)
	}
	b.checkPage(proxy.URL + "/ops/remux-retrier-0")
}

// Any client may join the group under any name.
func TestAnInstancesNameLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := newService(nil)
	s.owner = "remux-retrier-0.evil.example/x?"
	own, _ := serve(t, s, s.clock, "")
	b := open(t, own, sizes[0], "light")
	b.until(`document.querySelector('#others li')`)
	if n := b.number(`document.querySelectorAll('#others a').length`); n != 0 {
		t.Error("it is a link")
	}
	_ = value[bool](b, `(import('/instances.js').then(({ pageOf }) => {
		window.pages = [pageOf('r-1', 'r-0', 'r-0:8080/'), pageOf('r-1.eu', 'r-0.eu', 'r-0.eu/'), pageOf('r-0.evil.example', 'r-0', 'r-0:8080/'), pageOf('r.evil.example', 'r-0', 'r-0/')];
	}), true)`)
	b.until(`window.pages`)
	if pages := value[string](b, `window.pages.join(' ')`); pages != "http://r-1:8080/ http://r-1.eu/  " {
		t.Errorf("the pages are %q", pages)
	}
	b.checkPage(own)
}
