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
	// maxBody is how many bytes of an answer are read, and maxList how many of the states
	// of ten tasks, each with its user_data. Both also bound the unpacked size.
	maxBody = 64 << 10
	maxList = 1 << 20
	// maxHeader bounds an answer's headers: one may contain a user token of 128 KiB.
	maxHeader = 256 << 10
)

// newTransport makes connections that are kept for reuse.
//
// It uses only HTTP/1.1: when a path dies silently, HTTP/2 sends every later call over the
// same dead connection. With HTTP/1.1 a call that times out closes its connection.
func newTransport(maxIdle int) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  hideProxyURL(http.ProxyFromEnvironment), // which never applies to this machine itself
		OnProxyConnectResponse: nameProxy,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second, // like the dialer's, for a dial whose caller has given up
		Protocols:              &protocols,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        45 * time.Second, // below the 60 s after which load balancers commonly close
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // see unpacked
	}
}

// hideProxyURL hides the cause of a failing proxy function: it quotes the proxy's URL,
// which may contain a password.
func hideProxyURL(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := proxy(r)
		if err != nil {
			return nil, errProxyURL
		}
		return u, nil
	}
}

var errProxyURL = errors.New("the proxy's URL in the environment (HTTPS_PROXY, HTTP_PROXY) is not valid")

// proxyPassword is what the transport sends to the proxy for target, if anything: the proxy
// may quote it.
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

// errProxy: a proxy rejected the call.
var errProxy = errors.New("the proxy answered")

// nameProxy names the proxy as the source: net/http returns only the status text, as if it
// were MPC's.
func nameProxy(_ context.Context, _ *url.URL, _ *http.Request, connect *http.Response) error {
	if connect.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("%w %d %s", errProxy, connect.StatusCode, http.StatusText(connect.StatusCode))
}

// closeIdle does the same as http.Client.CloseIdleConnections.
func closeIdle(t http.RoundTripper) {
	if c, ok := t.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// exchange sends a request and reads the answer: of a success up to largest bytes,
// otherwise up to maxBody. It follows no redirect. After an error the answer has no body,
// and no status if none was received.
func exchange(t http.RoundTripper, r *http.Request, largest int) (answer, error) {
	resp, err := t.RoundTrip(r)
	if err != nil {
		return answer{}, withContextError(r.Context(), err)
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, header: resp.Header}
	if a.status == http.StatusSwitchingProtocols { // what follows is not a body, and no context ends it
		return a, nil
	}
	if resp.Body == http.NoBody {
		return a, nil
	}
	limit := maxBody
	if a.status/100 == 2 {
		limit = largest
	}
	if a.body, a.truncated, err = readUpTo(resp.Body, limit); err != nil {
		a.body, a.truncated = nil, false
		return a, withContextError(r.Context(), err)
	}
	if !a.truncated {
		a.body, a.truncated = unpacked(a.body, limit)
	}
	return a, nil
}

func readUpTo(r io.Reader, limit int) (data []byte, cut bool, err error) {
	data, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	return data[:min(len(data), limit)], len(data) > limit, err
}

// unpacked unpacks a body that a gateway has compressed without being asked. It is
// recognized by its first bytes, whatever the headers say: neither JSON nor HTML starts
// with them. If unpacking fails the body is returned unchanged, and then is not an answer
// of MPC.
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

// withContextError makes errors.Is find the error of an ended context where a transport
// returns its cause.
func withContextError(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); err != nil && ctxErr != nil && !errors.Is(err, ctxErr) {
		return fmt.Errorf("%w: %w", ctxErr, err)
	}
	return err
}
