// Package smnsim simulates Huawei Cloud's notification service (SMN) in tests, in the
// sandbox and in cmd/mpcsim: it signs messages, posts them to an endpoint, retries as SMN
// does, and serves its certificate and the confirmation of subscriptions over HTTPS.
//
// It follows the vendor's documentation (smn_ug_a9002 and a9003, smn_faq_0014) and shares
// no code with internal/receive, which it tests. Only cmd/mpcsim, the sandbox and tests
// import it, never the service.
package smnsim

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

const (
	certPath    = "/smn/SMN_sim.pem"
	confirmPath = "/smn/subscription/confirm"
	// attempts are SMN's: one, and six more after a 5xx or without an answer.
	attempts = 7
	// answerTimeout is how long SMN waits for an answer.
	answerTimeout = 5 * time.Second
	// validFor is how long its certificates are valid: longer than a demonstration runs.
	validFor = 365 * 24 * time.Hour
)

// Config configures an SMN.
type Config struct {
	// Topic is the URN of the topic.
	Topic string
	// Address is the host:port of its HTTPS server, as its clients reach it. Defaults to
	// 127.0.0.1:0, a free port.
	Address string
	// Between is the time between attempts. Defaults to 200 ms; the vendor documents none.
	Between time.Duration
	// Serve, if not nil, answers instead of SMN's own server, which is passed as own.
	Serve func(w http.ResponseWriter, r *http.Request, own http.Handler)
	// Roots are trusted for an https endpoint, in addition to the system's.
	Roots *x509.CertPool
}

// SMN simulates one topic. Its Close must be called.
type SMN struct {
	cfg         Config
	key         *rsa.PrivateKey
	certificate []byte // PEM
	server      *httptest.Server
	host, url   string // of the server
	client      *http.Client

	mu        sync.Mutex
	asked     map[string]int  // requests by path
	confirmed map[string]bool // by token, which is the message's id
}

// New starts its HTTPS server.
func New(cfg Config) (*SMN, error) {
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if cfg.Between == 0 {
		cfg.Between = 200 * time.Millisecond
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	s := &SMN{cfg: cfg, key: key, asked: map[string]int{}, confirmed: map[string]bool{}}
	if s.certificate, err = s.Certificate(time.Now().Add(-time.Hour), time.Now().Add(validFor)); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	s.client = &http.Client{Timeout: answerTimeout, Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

// Close stops the server.
func (s *SMN) Close() {
	s.client.CloseIdleConnections()
	s.server.Close()
}

// listen starts the HTTPS server. Its certificate has the signing key: a simulator needs no
// second one.
func (s *SMN) listen() error {
	host, _, err := net.SplitHostPort(s.cfg.Address)
	if err != nil {
		return err
	}
	certificate, err := s.selfSigned(host, time.Now().Add(-time.Hour), time.Now().Add(validFor))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.cfg.Address)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return err
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	_ = s.server.Listener.Close() // its own: ours takes its place
	s.server.Listener = listener
	s.server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: s.key}}}
	s.server.StartTLS()
	s.host = net.JoinHostPort(host, port)
	s.url = "https://" + s.host
	return nil
}

// Certificate returns a self-signed certificate of the signing key, as PEM.
func (s *SMN) Certificate(from, until time.Time) ([]byte, error) {
	der, err := s.selfSigned("", from, until)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// selfSigned returns a certificate of the key, for a server at host unless that is empty.
func (s *SMN) selfSigned(host string, from, until time.Time) ([]byte, error) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SMN simulator"}, NotBefore: from, NotAfter: until}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else if host != "" {
		template.DNSNames = []string{host}
	}
	return x509.CreateCertificate(rand.Reader, template, template, &s.key.PublicKey, s.key)
}

// CA returns the authority of its HTTPS server, as PEM.
func (s *SMN) CA() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw})
}

// Host is its HTTPS server's host:port.
func (s *SMN) Host() string { return s.host }

// CertURL returns the URL of its certificate.
func (s *SMN) CertURL() string { return s.url + certPath }

// CertificateRequests counts the requests for the certificate.
func (s *SMN) CertificateRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[certPath]
}

// Confirmed reports whether the subscription of a message was confirmed.
func (s *SMN) Confirmed(m Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirmed[m["message_id"]]
}

func (s *SMN) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked[r.URL.Path]++
	s.mu.Unlock()
	if s.cfg.Serve != nil {
		s.cfg.Serve(w, r, http.HandlerFunc(s.own))
		return
	}
	s.own(w, r)
}

func (s *SMN) own(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet:
		http.Error(w, "only GET is allowed", http.StatusMethodNotAllowed)
	case r.URL.Path == certPath:
		_, _ = w.Write(s.certificate)
	case r.URL.Path == confirmPath:
		s.mu.Lock()
		s.confirmed[r.URL.Query().Get("token")] = true
		s.mu.Unlock()
	default:
		http.NotFound(w, r)
	}
}

// Post sends a message once and returns the answer's status.
func (s *SMN) Post(ctx context.Context, endpoint string, m Message) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(m.Body()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for header, field := range map[string]string{"X-SMN-MESSAGE-TYPE": "type", "X-SMN-MESSAGE-ID": "message_id", "X-SMN-TOPIC-URN": "topic_urn"} {
		r.Header.Set(header, m[field])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, err
}

// Deliver sends a message as SMN does: up to seven times, as long as the answer is a 5xx or
// missing; then the message is discarded. It returns the last answer.
func (s *SMN) Deliver(ctx context.Context, endpoint string, m Message) (status int, err error) {
	for i := range attempts {
		if i > 0 {
			select {
			case <-time.After(s.cfg.Between):
			case <-ctx.Done():
				return status, ctx.Err()
			}
		}
		if status, err = s.Post(ctx, endpoint, m); err == nil && status < 500 {
			break
		}
	}
	return status, err
}

func newID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
