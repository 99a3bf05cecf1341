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

// A proxy shows the page below a path of its own, which it takes off.
func TestThePageWorksBelowAPathOfAProxy(t *testing.T) {
	t.Parallel()
	s := newService(nil).aDay()
	s.add("538526", "", nil, story.Step{Kind: story.QuotaWait})
	own, _ := serve(t, s, s.clock, "")
	target, err := url.Parse(own)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix("/ops/retrier", &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
	}}))
	t.Cleanup(proxy.Close)
	b := open(t, proxy.URL+"/ops/retrier/#task=538526", sizes[0], "light")
	b.untilVerdict("quota")
	b.until(`document.querySelectorAll('#latest a').length > 3`)
	if links := value[string](b, `[...document.querySelectorAll('a[href]')].filter((a) => !a.href.startsWith(location.origin + '/ops/retrier/')).map((a) => a.href).join()`); links != "" {
		t.Errorf("these links lead out of the path: %s", links)
	}
	if !strings.Contains(value[string](b, `getComputedStyle(document.querySelector('.card')).borderRadius`), "px") {
		t.Error("the page has no style")
	}
	b.well(proxy.URL + "/ops/retrier")
}
