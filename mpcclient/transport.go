package mpcclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	// maxBody is how much of an answer is read, and maxList of the state of ten tasks, each with its user_data.
	maxBody = 64 << 10
	maxList = 1 << 20
)

// newTransport makes connections that are kept for reuse.
//
// HTTP/1.1 only, on purpose: when a path dies silently, HTTP/2 keeps sending every later call down the one dead
// connection, while here a call that timed out takes its connection with it.
func newTransport(maxIdle int) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  quietly(http.ProxyFromEnvironment), // which never applies to this machine itself
		OnProxyConnectResponse: nameProxy,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second, // like the dialer's, for a dial whose caller has gone
		Protocols:              &protocols,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        45 * time.Second, // below the 60 s after which load balancers commonly hang up
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // answers are small, and the limit on what is read means bytes of the wire
	}
}

// quietly hides the cause of a failing proxy function: it quotes the proxy's URL, which may hold a password.
func quietly(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := proxy(r)
		if err != nil {
			return nil, errors.New("the proxy's URL in the environment (HTTPS_PROXY, HTTP_PROXY) is not valid")
		}
		return u, nil
	}
}

// errProxy is a proxy that does not let a call through.
var errProxy = errors.New("the proxy answered")

// nameProxy says who refused: net/http gives the words of the status alone, as if they were MPC's.
func nameProxy(_ context.Context, _ *url.URL, _ *http.Request, connect *http.Response) error {
	if connect.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("%w %d %s", errProxy, connect.StatusCode, http.StatusText(connect.StatusCode))
}

// closeIdle does what http.Client.CloseIdleConnections does.
func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// sending watches whether a request may have left this machine. Of a transport that is not net/http's, which may not
// call the hooks, that is always possible.
//
// The mark is the moment at which the request is given a connection: the write itself happens in a goroutine of the
// transport, and may still happen after the caller has given up. A transport that then asks for another connection says
// that nothing was written to the first: net/http sends only idempotent requests a second time (see http.Transport), and
// a PUT is none to it.
type sending struct{ unsent atomic.Bool }

func (s *sending) trace(ctx context.Context, t http.RoundTripper) context.Context {
	switch t.(type) {
	case *http.Transport, *rooted:
	default:
		return ctx
	}
	s.unsent.Store(true)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.unsent.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.unsent.Store(false) },
	})
}

func (s *sending) mayHaveBeenSent() bool { return !s.unsent.Load() }

// once keeps the transport from sending a GET again by itself when a reused connection breaks: such a repeat would be
// an API request that nobody counted against the quota. A body that cannot be had a second time does that; being empty,
// it does not show on the wire.
func once(r *http.Request) { r.Body, r.GetBody = io.NopCloser(emptyBody{}), nil }

type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }

// exchange sends a request and reads the answer: of a success as much as is allowed, of anything else maxBody. It follows
// no redirect. A body that could not be read to its end leaves the answer without one, and comes with the error.
func exchange(t http.RoundTripper, r *http.Request, largest int) (*answer, error) {
	resp, err := t.RoundTrip(r)
	if err != nil {
		return nil, withContextError(r.Context(), err)
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	if a.status == http.StatusSwitchingProtocols { // what follows is no body, and no context ends it
		return a, nil
	}
	limit := maxBody
	if a.status/100 == 2 {
		limit = largest
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err != nil {
		return a, withContextError(r.Context(), err)
	}
	a.body, a.cut = body[:min(len(body), limit)], len(body) > limit
	return a, nil
}

// withContextError makes errors.Is find the error of a context that has ended, where a transport gives its cause.
func withContextError(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); err != nil && ctxErr != nil && !errors.Is(err, ctxErr) {
		return fmt.Errorf("%w: %w", ctxErr, err)
	}
	return err
}
