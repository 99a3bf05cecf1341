package receive

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer is larger than any certificate.
const maxAnswer = 64 << 10

// outside sends requests to the hosts of messages' URLs. It follows no redirect.
type outside struct {
	roots func() *x509.CertPool // nil: the system's
	agent string
}

// get returns an answer's status and its first bytes. Its errors do not contain the URL,
// which may contain a token.
func (o outside) get(ctx context.Context, rawURL string) (status int, body []byte, err error) {
	t := &http.Transport{Proxy: proxy, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if o.roots != nil {
		t.TLSClientConfig.RootCAs = o.roots()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return 0, nil, errors.New("it is not a URL")
	}
	r.Header.Set("User-Agent", o.agent)
	resp, err := t.RoundTrip(r)
	if err != nil {
		if named := (*url.Error)(nil); errors.As(err, &named) {
			err = named.Err
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, body, err
}

// proxy hides why the environment's proxy cannot be used: the cause contains its URL,
// which may contain a password.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errors.New("the proxy's URL in the environment (HTTPS_PROXY) is not valid")
	}
	return u, nil
}

// certificate fetches SMN's certificate at a URL. Whatever the host answers at a URL that
// SMN may use is a *trouble: a message must not be lost because of a passing 404 or
// redirect. At any other URL, an answer that will not change later is a *refusal.
func (o outside) certificate(ctx context.Context, rawURL string) (*x509.Certificate, error) {
	status, body, err := o.get(ctx, rawURL)
	switch {
	case err != nil:
		return nil, &trouble{"certificate", "SMN's certificate cannot be fetched: " + err.Error()}
	case status/100 != 2:
		later := status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
		return nil, noCertificate(rawURL, fmt.Sprintf("its host answers %d", status), later)
	}
	if block, _ := pem.Decode(body); block != nil && block.Type == "CERTIFICATE" {
		body = block.Bytes
	}
	certificate, err := x509.ParseCertificate(body)
	if err != nil {
		return nil, noCertificate(rawURL, "its host answers with something else", false)
	}
	return certificate, nil
}

// noCertificate is the error for a URL whose host answers without a certificate. later
// reports whether it may answer with one later.
func noCertificate(rawURL, why string, later bool) error {
	path := ""
	if u, err := url.Parse(rawURL); err == nil {
		path = u.Path
	}
	why = fmt.Sprintf("SMN's certificate cannot be fetched: %s at %.200q", why, path)
	if later || isSMNs(path) {
		return &trouble{"certificate", why}
	}
	return &refusal{"certificate", why}
}

// isSMNs reports whether SMN may have a certificate at this path. The vendor's example is
// /smn/SMN_region01_3190c26a56fb435f9882e3435b.pem.
func isSMNs(path string) bool {
	return strings.HasPrefix(path, "/smn/SMN_") && strings.HasSuffix(path, ".pem")
}
