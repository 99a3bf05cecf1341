package mpcclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// varying is a value that changes.
type varying struct{ atomic.Pointer[string] }

func (s *varying) set(value string) { s.Store(&value) }
func (s *varying) get() string      { return *s.Load() }

func TestTheNextRequestHasTheCredentialsAsTheyAreThen(t *testing.T) {
	var token, access, secretKey, security varying
	for _, s := range []*varying{&token, &access, &secretKey, &security} {
		s.set("old")
	}
	for name, auth := range map[string]Auth{"token": TokenFrom(token.get), "AK/SK": AKSKFrom(access.get, secretKey.get, security.get)} {
		var headers http.Header
		api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers = r.Header }))
		defer api.Close()
		c, err := New(Config{Endpoint: api.URL, ProjectID: "p", Auth: auth})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, value := range []string{"old", "new"} {
			for _, s := range []*varying{&token, &access, &secretKey, &security} {
				s.set(value)
			}
			if err := c.Retry(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			if got := headers.Get(headerToken) + headers.Get("Authorization") + headers.Get(headerSecurityToken); !strings.Contains(got, value) {
				t.Errorf("%s: %q was sent, want %q", name, got, value)
			}
		}
	}
}

// The answer to a request with the old credentials may come after new ones are in use.
func TestCredentialsThatWereReplacedAreStillRedacted(t *testing.T) {
	var value varying
	value.set("old-canary")
	s := secretOf(value.get)
	s.reveal()
	value.set("new-canary")
	if got := s.redact("old-canary new-canary"); strings.Contains(got, "canary") {
		t.Error(got)
	}
}

// The pause after a wrong password applies to that password only.
func TestANewPasswordIsTriedAtOnce(t *testing.T) {
	iam := newFakeIAM(t)
	iam.failing(answering(401, wrongPassword))
	var password varying
	password.set("wrong")
	a := iam.auth(t)
	a.iam.password = secretOf(password.get)
	tokenFailure(t, a, Operator)
	iam.clock.advance(time.Minute)
	tokenFailure(t, a, Operator)
	iam.expectLogins(t, 1)

	password.set("wrong as well")
	tokenFailure(t, a, Operator)
	tokenFailure(t, a, Operator)
	iam.expectLogins(t, 2)

	iam.refuse.Store(nil)
	password.set("right")
	expectToken(t, a, "token-1")
}

func TestNewAuthoritiesHoldForTheNextConnection(t *testing.T) {
	api := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer api.Close()
	good := x509.NewCertPool()
	good.AddCert(api.Certificate())
	var roots atomic.Pointer[x509.CertPool]
	roots.Store(x509.NewCertPool())
	c, err := New(Config{Endpoint: api.URL, ProjectID: "p", Auth: Token("t"), Roots: roots.Load})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var unknown *tls.CertificateVerificationError
	var failed *Error
	if err := c.Retry(t.Context(), "1"); !errors.As(err, &unknown) || !errors.As(err, &failed) || failed.Class != Transient {
		t.Fatalf("a stranger was trusted, or the call counts as sent: %v", err)
	}
	roots.Store(good)
	for range 2 {
		if err := c.Retry(t.Context(), "1"); err != nil {
			t.Error(err)
		}
	}
	roots.Store(x509.NewCertPool())
	if err := c.Retry(t.Context(), "1"); !errors.As(err, &unknown) {
		t.Errorf("who is not trusted any more still is: %v", err)
	}
}
