package mpcclient

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxBody is how much of an answer is read, and maxList of the state of ten tasks, each with its user_data. Both
	// bound also what an answer unpacks to.
	maxBody = 64 << 10
	maxList = 1 << 20
	// maxHeader bounds an answer's headers: a user token of 128 KiB comes in one.
	maxHeader = 256 << 10
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
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // see unpacked
	}
}

// quietly hides the cause of a failing proxy function: it quotes the proxy's URL, which may hold a password.
func quietly(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := proxy(r)
		if err != nil {
			return nil, errProxyURL
		}
		return u, nil
	}
}

var errProxyURL = errors.New("the proxy's URL in the environment (HTTPS_PROXY, HTTP_PROXY) is not valid")

// proxyPassword is what the transport sends to the proxy on the way to target, if anything: the proxy may quote it.
func proxyPassword(t http.RoundTripper, target *url.URL) secret {
	transport := standard(t)
	if transport == nil || transport.Proxy == nil {
		return newSecret("")
	}
	proxy, err := transport.Proxy(&http.Request{URL: target})
	if err != nil || proxy == nil {
		return newSecret("")
	}
	password, _ := proxy.User.Password()
	return newSecret(password)
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

// exchange sends a request and reads the answer: of a success as much as is allowed, of anything else maxBody. It follows
// no redirect. An error leaves the answer without a body, and without a status if none came.
func exchange(t http.RoundTripper, r *http.Request, largest int) (answer, error) {
	resp, err := t.RoundTrip(r)
	if err != nil {
		return answer{}, withContextError(r.Context(), err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.status == http.StatusSwitchingProtocols { // what follows is no body, and no context ends it
		return a, nil
	}
	if resp.Body == http.NoBody {
		return a, nil
	}
	limit := maxBody
	if a.status/100 == 2 {
		limit = largest
	}
	if a.body, a.cut, err = readUpTo(resp.Body, limit); err != nil {
		a.body, a.cut = nil, false
		return a, withContextError(r.Context(), err)
	}
	if !a.cut {
		a.body, a.cut = unpacked(a.body, limit)
	}
	return a, nil
}

func readUpTo(r io.Reader, limit int) (data []byte, cut bool, err error) {
	data, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	return data[:min(len(data), limit)], len(data) > limit, err
}

// unpacked reads a body that a gateway has compressed although nobody asked. Its first bytes tell, whatever the headers
// say: no JSON and no HTML begins with them. What cannot be unpacked stays as it came, and is no answer of MPC's then.
func unpacked(body []byte, limit int) (plain []byte, cut bool) {
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, false
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body, false
	}
	if plain, cut, err = readUpTo(reader, limit); err != nil {
		return body, false
	}
	return plain, cut
}

// withContextError makes errors.Is find the error of a context that has ended, where a transport gives its cause.
func withContextError(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); err != nil && ctxErr != nil && !errors.Is(err, ctxErr) {
		return fmt.Errorf("%w: %w", ctxErr, err)
	}
	return err
}
