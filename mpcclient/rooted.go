package mpcclient

import (
	"crypto/x509"
	"net/http"
	"sync"
)

// rooted is an http.Transport that trusts whom roots names now: for other roots it makes another one. Its own
// verification cannot be told of new roots, and one of ours would not learn the address that a connection leads to.
type rooted struct {
	roots  func() *x509.CertPool
	create func() *http.Transport

	mu      sync.Mutex
	current *http.Transport
	trusts  *x509.CertPool
}

// newRooted gives a plain transport where roots is nil.
func newRooted(roots func() *x509.CertPool, create func() *http.Transport) http.RoundTripper {
	if roots == nil {
		return create()
	}
	return &rooted{roots: roots, create: create}
}

func (t *rooted) RoundTrip(r *http.Request) (*http.Response, error) { return t.now().RoundTrip(r) }

func (t *rooted) CloseIdleConnections() { t.now().CloseIdleConnections() }

func (t *rooted) now() *http.Transport {
	roots := t.roots()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil && t.trusts == roots {
		return t.current
	}
	if t.current != nil {
		t.current.CloseIdleConnections()
	}
	t.current, t.trusts = t.create(), roots
	t.current.TLSClientConfig.RootCAs = roots
	return t.current
}
