package admin

import (
	"net/http"
	"net/url"
	"strings"
)

// unprefixed removes the prefix from a request's path. For the prefix without a slash it
// redirects to the prefix with one (sent is true): otherwise relative links of the page
// would not be below the prefix.
func unprefixed(prefix string, w http.ResponseWriter, r *http.Request) (own *http.Request, sent bool) {
	if prefix == "" {
		return r, false
	}
	path, below := strings.CutPrefix(r.URL.Path, prefix)
	raw, rawBelow := strings.CutPrefix(r.URL.RawPath, prefix)
	switch {
	case !below || r.URL.RawPath != "" && !rawBelow:
		return r, false
	case path == "":
		target := prefix + "/"
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, target, http.StatusPermanentRedirect) //nolint:gosec // to the prefix that is configured: only the query is the client's
		return nil, true
	case path[0] != '/':
		return r, false // another path that starts with the same letters
	}
	own = new(http.Request)
	*own = *r
	own.URL = new(url.URL)
	*own.URL = *r.URL
	own.URL.Path, own.URL.RawPath = path, raw
	return own, false
}
