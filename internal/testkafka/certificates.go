package testkafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates are names of PEM files, as the service's configuration expects them.
type Certificates struct {
	// CA has signed the brokers' and the client's certificates.
	CA string
	// Cert and Key are a client's certificate and key.
	Cert, Key string
	// OtherCA is a CA that the brokers do not trust, and that has not signed their
	// certificates. OtherCert and OtherKey are a client's, signed by OtherCA.
	OtherCA, OtherCert, OtherKey string

	broker, expired, elsewhere keyPair
}

// keyPair is a broker's certificate and its key, in PEM.
type keyPair struct{ cert, key string }

func writeCertificates(dir string) (Certificates, error) {
	c := Certificates{
		CA: "ca.pem", Cert: "client.pem", Key: "client.key",
		OtherCA: "other-ca.pem", OtherCert: "other-client.pem", OtherKey: "other-client.key",
	}
	for _, name := range []*string{&c.CA, &c.Cert, &c.Key, &c.OtherCA, &c.OtherCert, &c.OtherKey} {
		*name = filepath.Join(dir, *name)
	}
	ours, err := newAuthority("test CA")
	if err != nil {
		return c, err
	}
	others, err := newAuthority("other CA")
	if err != nil {
		return c, err
	}
	for to, change := range map[*keyPair]func(*x509.Certificate){
		&c.broker:    func(*x509.Certificate) {},
		&c.expired:   func(t *x509.Certificate) { t.NotAfter = time.Now().Add(-time.Minute) },
		&c.elsewhere: func(t *x509.Certificate) { t.IPAddresses, t.DNSNames = nil, []string{"kafka.example.com"} },
	} {
		cert, key, err := ours.sign("broker", change, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth)
		if err != nil {
			return c, err
		}
		*to = keyPair{string(cert), string(key)}
	}
	unchanged := func(*x509.Certificate) {}
	clientCert, clientKey, err := ours.sign("client", unchanged, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return c, err
	}
	otherCert, otherKey, err := others.sign("client", unchanged, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return c, err
	}
	for name, text := range map[string][]byte{
		c.CA: ours.pem, c.Cert: clientCert, c.Key: clientKey,
		c.OtherCA: others.pem, c.OtherCert: otherCert, c.OtherKey: otherKey,
	} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return c, err
		}
	}
	return c, nil
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := certificate(name)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert: cert, key: key, pem: encode("CERTIFICATE", der)}, err
}

// sign makes a key and a certificate for 127.0.0.1. change may modify the
// certificate before it is signed.
func (a *authority) sign(name string, change func(*x509.Certificate), usage ...x509.ExtKeyUsage) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := certificate(name)
	template.ExtKeyUsage = usage
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate of %s: %w", name, err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", private), err
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
