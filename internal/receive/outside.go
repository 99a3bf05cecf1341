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
)

// maxAnswer is more than any certificate has.
const maxAnswer = 64 << 10

// outside asks the hosts of messages' URLs. It follows no redirect.
type outside struct {
	roots func() *x509.CertPool // nil: the system's
	agent string
}

// get gives an answer's status and its first bytes. Its errors show no URL, which
// may hold a token.
func (o outside) get(ctx context.Context, address string) (status int, body []byte, err error) {
	t := &http.Transport{Proxy: proxy, DisableKeepAlives: true, MaxResponseHeaderBytes: maxAnswer,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if o.roots != nil {
		t.TLSClientConfig.RootCAs = o.roots()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, errors.New("it is no URL")
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

// proxy hides why the environment's proxy cannot be used: the cause quotes its URL,
// which may hold a password.
func proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if err != nil {
		return nil, errors.New("the proxy's URL in the environment (HTTPS_PROXY) is not valid")
	}
	return u, nil
}

// certificate fetches one. What the host may give later is trouble, anything else
// a refusal.
func (o outside) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	status, body, err := o.get(ctx, address)
	switch {
	case err != nil:
		return nil, &trouble{"certificate", "SMN's certificate cannot be fetched: " + err.Error()}
	case status >= 500 || status == 408 || status == 429:
		return nil, &trouble{"certificate", fmt.Sprintf("SMN's certificate cannot be fetched: its host answers %d", status)}
	case status/100 != 2:
		return nil, &refusal{"certificate", fmt.Sprintf("its certificate cannot be fetched: the host answers %d", status)}
	}
	if block, _ := pem.Decode(body); block != nil && block.Type == "CERTIFICATE" {
		body = block.Bytes
	}
	certificate, err := x509.ParseCertificate(body)
	if err != nil {
		return nil, &refusal{"certificate", "what stands at its signing_cert_url is no certificate"}
	}
	return certificate, nil
}
