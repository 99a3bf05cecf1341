// Package testsecrets makes credentials and certificates for tests, and finds them in
// texts that must not contain them. Only tests import it.
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

// Secrets are a test's credentials by the names of their variables. No output may
// contain one of them: whole, in halves, or encoded.
type Secrets map[string]string

// Generate makes a random secret for a variable and returns it.
func (s Secrets) Generate(variable string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 48)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	s[variable] = string(b)
	return s[variable]
}

// Spellings returns a credential in the forms in which a server may repeat it. A slash is
// appended before it is escaped: Generate's have only letters and digits, which stay as they
// are.
func Spellings(v string) []string {
	half := len(v) / 2
	return []string{
		v, v[:half], v[half:], url.QueryEscape(v + "/"), hex.EncodeToString([]byte(v)),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte("user:" + v)),
		base64.StdEncoding.EncodeToString([]byte(v[:half])), base64.StdEncoding.EncodeToString([]byte("x" + v[half:])),
	}
}

// RequireAbsent fails the test if the text contains one of the secrets. For base64 it tries
// the three alignments that the bytes may have.
func (s Secrets) RequireAbsent(t testing.TB, where, text string) {
	t.Helper()
	for name, v := range s {
		half := len(v) / 2
		for _, part := range []string{v, v[:half], v[half:]} {
			forms := []string{part, hex.EncodeToString([]byte(part)), strings.ToUpper(hex.EncodeToString([]byte(part)))}
			for shift := range 3 {
				coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + part))
				forms = append(forms, coded[4:len(coded)-3]) // the part that does not depend on the bytes around it
			}
			for _, form := range forms {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s contains %s: %q", where, name, text[max(0, i-100):min(len(text), i+len(form)+20)])
					return
				}
			}
		}
	}
}

// Certify writes a self-signed certificate that expires at the given time, and its
// key.
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
