package mpcclient

import (
	"crypto/x509"
	"net/http"
	"sync"
)

// reloadingTransport is an http.Transport that trusts the authorities that roots returns
// for each request: if they change it creates a new transport. crypto/tls does not support
// a pool that changes, and a custom verification would not know which address a connection
// leads to.
type reloadingTransport struct {
	roots func() *x509.CertPool
	open  func() *http.Transport

	mu      sync.Mutex
	current *http.Transport
	trusts  *x509.CertPool
}

// newReloadingTransport returns a plain transport if roots is nil.
func newReloadingTransport(roots func() *x509.CertPool, open func() *http.Transport) http.RoundTripper {
	if roots == nil {
		return open()
	}
	return &reloadingTransport{roots: roots, open: open}
}

func (t *reloadingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.now().RoundTrip(r)
}

func (t *reloadingTransport) CloseIdleConnections() { t.now().CloseIdleConnections() }

func (t *reloadingTransport) now() *http.Transport {
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

// standard is net/http's transport behind t, or nil: the behaviour of others is unknown.
func standard(t http.RoundTripper) *http.Transport {
	switch t := t.(type) {
	case *http.Transport:
		return t
	case *reloadingTransport:
		return t.now()
	}
	return nil
}
