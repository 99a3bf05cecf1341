package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keyPair makes a self-signed certificate, as two PEM texts.
func keyPair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func TestTLS(t *testing.T) {
	cert, key := keyPair(t)
	c := load(t, "KAFKA_TLS_ENABLED", "true").Kafka.TLS.Client()
	if c == nil || c.RootCAs != nil || c.Certificates != nil || c.MinVersion != tls.VersionTLS12 {
		t.Errorf("with the system's authorities: %+v", c)
	}
	c = load(t, "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", file(t, cert),
		"KAFKA_TLS_CERT_FILE", file(t, cert), "KAFKA_TLS_KEY_FILE", file(t, key)).Kafka.TLS.Client()
	if c.RootCAs == nil || len(c.Certificates) != 1 || c.InsecureSkipVerify {
		t.Errorf("mutual: %+v", c)
	}
	if c := load(t, "KAFKA_TLS_ENABLED", "false").Kafka.TLS; c != nil {
		t.Errorf("off: %+v", c)
	}
}

func TestBadTLSFilesAreConfigurationErrors(t *testing.T) {
	cert, key := keyPair(t)
	_, otherKey := keyPair(t)
	certFile, keyFile, missing := file(t, cert), file(t, key), filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		name, variable string
		set            []string
		says           string
	}{
		{"no file", "KAFKA_TLS_CA_FILE", []string{"KAFKA_TLS_CA_FILE", missing}, missing},
		{"no file, and a line break", "KAFKA_TLS_CA_FILE", []string{"KAFKA_TLS_CA_FILE", "/nowhere\nX"}, `"/nowhere\nX": no such file`},
		{"the key itself", "KAFKA_TLS_KEY_FILE", []string{"KAFKA_TLS_CERT_FILE", certFile, "KAFKA_TLS_KEY_FILE", key}, "may be the secret itself"},
		{"no certificate in it", "KAFKA_TLS_CA_FILE", []string{"KAFKA_TLS_CA_FILE", keyFile}, "contains no certificate"},
		{"no key", "KAFKA_TLS_KEY_FILE", []string{"KAFKA_TLS_CERT_FILE", certFile}, "mutual TLS needs both"},
		{"no certificate", "KAFKA_TLS_CERT_FILE", []string{"KAFKA_TLS_KEY_FILE", keyFile}, "mutual TLS needs both"},
		{"no key file", "KAFKA_TLS_KEY_FILE", []string{"KAFKA_TLS_CERT_FILE", certFile, "KAFKA_TLS_KEY_FILE", missing}, missing},
		{"no certificate file", "KAFKA_TLS_CERT_FILE", []string{"KAFKA_TLS_CERT_FILE", missing, "KAFKA_TLS_KEY_FILE", keyFile}, missing},
		{"another's key", "KAFKA_TLS_CERT_FILE", []string{"KAFKA_TLS_CERT_FILE", certFile, "KAFKA_TLS_KEY_FILE", file(t, otherKey)},
			"are not a key pair"},
		{"swapped", "KAFKA_TLS_CERT_FILE", []string{"KAFKA_TLS_CERT_FILE", keyFile, "KAFKA_TLS_KEY_FILE", certFile}, "are not a key pair"},
		{"not enabled", "KAFKA_TLS_CA_FILE", []string{"KAFKA_TLS_ENABLED", "", "KAFKA_TLS_CA_FILE", certFile}, "KAFKA_TLS_ENABLED is not true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problem := refused(t, c.variable, append([]string{"KAFKA_TLS_ENABLED", "true"}, c.set...)...)
			if !strings.Contains(problem, c.says) {
				t.Errorf("%q does not say %q", problem, c.says)
			}
			if strings.Contains(problem, strings.Split(key, "\n")[1]) || strings.Contains(problem, "\n") {
				t.Errorf("the key is in the error, or it is not one line: %q", problem)
			}
		})
	}
}

func TestSASLIsAllOrNothing(t *testing.T) {
	if s := load(t).Kafka.SASL; s != nil {
		t.Errorf("none is set: %+v", s)
	}
	for _, c := range []struct{ set, value, missing string }{
		{"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME"},
		{"KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_MECHANISM"},
		{"KAFKA_SASL_PASSWORD", "p", "KAFKA_SASL_MECHANISM"},
	} {
		problem := refused(t, c.missing, c.set, c.value)
		if !strings.Contains(problem, "is not set but "+c.set+" is") || strings.Contains(problem, "\n") {
			t.Error(problem)
		}
	}
	problem := refused(t, "KAFKA_SASL_MECHANISM",
		"KAFKA_SASL_MECHANISM", "GSSAPI", "KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_PASSWORD", "p")
	if !strings.Contains(problem, "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512") {
		t.Error(problem)
	}
	s := load(t, "KAFKA_SASL_MECHANISM", "scram-sha-512", "KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_PASSWORD", "p").Kafka.SASL
	if s == nil || s.Mechanism != "SCRAM-SHA-512" || s.Username != "u" || s.Password.Reveal() != "p" {
		t.Errorf("%+v", s)
	}
}

func TestPlainPasswordWithoutTLSIsAWarning(t *testing.T) {
	sasl := []string{"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_PASSWORD", "p"}
	if w := load(t, sasl...).Warnings; len(w) != 1 || !strings.Contains(w[0], "unencrypted") {
		t.Errorf("%q", w)
	}
	if w := load(t, append(sasl, "KAFKA_TLS_ENABLED", "true")...).Warnings; len(w) != 0 {
		t.Errorf("%q", w)
	}
}
