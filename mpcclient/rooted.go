package mpcclient

import (
	"crypto/x509"
	"net/http"
	"sync"
)

// rooted is an http.Transport that trusts the authorities that roots gives at each request: for others it makes another
// transport. crypto/tls takes no pool that changes, and a verification of ours would not learn which address a
// connection leads to.
type rooted struct {
	roots func() *x509.CertPool
	open  func() *http.Transport

	mu      sync.Mutex
	current *http.Transport
	trusts  *x509.CertPool
}

// newRooted gives a plain transport where roots is nil.
func newRooted(roots func() *x509.CertPool, open func() *http.Transport) http.RoundTripper {
	if roots == nil {
		return open()
	}
	return &rooted{roots: roots, open: open}
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
	t.current, t.trusts = t.open(), roots
	t.current.TLSClientConfig.RootCAs = roots
	return t.current
}

// standard is net/http's transport behind t, or nil: of another one nobody knows what it does.
func standard(t http.RoundTripper) *http.Transport {
	switch t := t.(type) {
	case *http.Transport:
		return t
	case *rooted:
		return t.now()
	}
	return nil
}
