package trace

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"time"
)

const (
	prefix         = "OTEL_EXPORTER_OTLP_"
	defaultTimeout = 10 * time.Second // as OpenTelemetry specifies
)

// newClient returns the exporter's HTTP client. The SDK's own client follows redirects and
// sends them the headers with the collector's credentials, and its errors contain the
// collector's answer. With another client the SDK does not read the variables for TLS and
// the timeout: that is done here.
func newClient() (*http.Client, error) {
	config, err := tlsConfig()
	if err != nil {
		return nil, err
	}
	timeout := defaultTimeout
	if ms, err := strconv.Atoi(variable("TIMEOUT")); err == nil && ms > 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: redacting{&http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			OnProxyConnectResponse: nameProxy,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSClientConfig:        config,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           2,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}},
	}, nil
}

// variable returns the variable's value for traces, or else for all signals.
func variable(name string) string {
	return cmp.Or(os.Getenv(prefix+"TRACES_"+name), os.Getenv(prefix+name))
}

func tlsConfig() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if path := variable("CERTIFICATE"); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%sCERTIFICATE cannot be used: %w", prefix, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%sCERTIFICATE names a file without a certificate", prefix)
		}
	}
	cert, key := variable("CLIENT_CERTIFICATE"), variable("CLIENT_KEY")
	if cert == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%sCLIENT_CERTIFICATE and %sCLIENT_KEY cannot be used: %w", prefix, prefix, err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// redacting removes the text of answers and keeps their status code: the text may repeat
// the credentials.
type redacting struct{ http.RoundTripper }

func (d redacting) RoundTrip(r *http.Request) (*http.Response, error) {
	a, err := d.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a.Status = fmt.Sprintf("%d %s", a.StatusCode, http.StatusText(a.StatusCode))
	if a.StatusCode/100 != 2 {
		_ = a.Body.Close()
		a.Body = http.NoBody
	}
	return a, nil
}

// nameProxy returns an error without the proxy's own text, which net/http would use.
func nameProxy(_ context.Context, _ *url.URL, _ *http.Request, connect *http.Response) error {
	if connect.StatusCode == http.StatusOK {
		return nil
	}
	return errors.New("the proxy answered " + strconv.Itoa(connect.StatusCode) + " " + http.StatusText(connect.StatusCode))
}

var (
	// Quoted text in a library's error was sent by the collector, or is a URL.
	quotation = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	// A collector's answer if it rejects some spans.
	partial = regexp.MustCompile(`(?s)OTLP partial success: .* (\(\d+ \w+ rejected\))`)
)

// redact returns the text of an SDK's error for the log: without text of the collector, and
// shortened.
func redact(err error) string {
	const enough = 450
	text := partial.ReplaceAllString(err.Error(), "the collector accepted only a part $1")
	text = quotation.ReplaceAllString(text, `"…"`)
	if len(text) > enough {
		text = text[:enough] + "…"
	}
	return text
}
