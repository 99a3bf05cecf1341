// Package testsecrets makes credentials and certificates for tests, and finds them
// in what must not tell of them. Only tests import it.
package testsecrets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// Secrets are the credentials of a test, by the variables that hold them: text that must come out nowhere, whole, in
// halves, or encoded.
type Secrets map[string]string

// Mark makes one up.
func (s Secrets) Mark(variable string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 48)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	s[variable] = string(b)
	return s[variable]
}

// Spellings are what a server may make of a credential.
func Spellings(v string) []string {
	half := len(v) / 2
	return []string{
		v, v[:half], v[half:], url.QueryEscape(v + "/"), hex.EncodeToString([]byte(v)),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte("user:" + v)),
		base64.StdEncoding.EncodeToString([]byte(v[:half])), base64.StdEncoding.EncodeToString([]byte("x" + v[half:])),
	}
}

// Look wants none of the secrets in what came out. Of base64 it looks for each of
// the three ways in which the bytes may lie.
func (s Secrets) Look(t testing.TB, where, text string) {
	t.Helper()
	for name, v := range s {
		half := len(v) / 2
		for _, part := range []string{v, v[:half], v[half:]} {
			forms := []string{part, hex.EncodeToString([]byte(part)), strings.ToUpper(hex.EncodeToString([]byte(part)))}
			for shift := range 3 {
				coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + part))
				forms = append(forms, coded[4:len(coded)-3]) // what does not depend on what stands beside it
			}
			for _, form := range forms {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s tells of %s: %q", where, name, text[max(0, i-100):min(len(text), i+len(form)+20)])
					return
				}
			}
		}
	}
}

// Certify writes a certificate that ends then, and its key.
func Certify(t testing.TB, cert, key string, ends time.Time) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}
	der, err := x509.CreateCertificate(crand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
