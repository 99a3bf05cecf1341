package kafkalog

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestEachConnectionUsesTLSAsItIsConfiguredThen(t *testing.T) {
	server := httptest.NewTLSServer(nil) // it has a certificate for 127.0.0.1
	defer server.Close()
	good := x509.NewCertPool()
	good.AddCert(server.Certificate())
	var roots atomic.Pointer[x509.CertPool]
	roots.Store(x509.NewCertPool())
	addr := server.Listener.Addr().String()
	l := alone(t, []string{addr}, func(c *Config) {
		c.TLS = func() *tls.Config { return &tls.Config{RootCAs: roots.Load()} }
	})
	if _, err := l.dial(t.Context(), "tcp", addr); !errors.As(err, &x509.UnknownAuthorityError{}) {
		t.Fatalf("a stranger was trusted: %v", err)
	}
	roots.Store(good)
	conn, err := l.dial(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestAPortThatIsSilentDuringTLSDelaysNoCallerForLong(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	l := alone(t, []string{silent.Addr().String()}, func(c *Config) { c.TLS = func() *tls.Config { return &tls.Config{} } })
	began := time.Now()
	if _, err := l.dial(t.Context(), "tcp", silent.Addr().String()); err == nil {
		t.Fatal("connected")
	}
	if took := time.Since(began); took > 2*dialTimeout {
		t.Errorf("it took %v", took)
	}
}
