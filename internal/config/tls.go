package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"remux-retrier/internal/watchfile"
)

// TLS secures connections to the brokers. It is updated when its files change.
type TLS struct {
	roots      *watchfile.Value[*x509.CertPool]  // nil: the system's
	pair       *watchfile.Value[tls.Certificate] // nil: no client certificate
	verifyName bool
}

// Client returns the configuration for the next connection. The caller may change it, and
// sets ServerName.
func (t *TLS) Client() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.roots != nil {
		c.RootCAs = t.roots.Get()
	}
	if t.pair != nil {
		c.Certificates = []tls.Certificate{t.pair.Get()}
	}
	if !t.verifyName {
		skipName(c)
	}
	return c
}

// CertificateEnds is when the client certificate expires; zero without one.
func (t *TLS) CertificateEnds() time.Time {
	if t == nil || t.pair == nil {
		return time.Time{}
	}
	return t.pair.Get().Leaf.NotAfter
}

// skipName disables only the check of the name in a server's certificate.
func skipName(c *tls.Config) {
	roots := c.RootCAs
	c.InsecureSkipVerify = true // VerifyConnection checks all but the name
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the broker shows no certificate")
		}
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}

// tls loads the files; nil means plaintext.
func (p *parser) tls() *TLS {
	const caName, certName, keyName, verifyName = "KAFKA_TLS_CA_FILE", "KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE", "KAFKA_TLS_VERIFY_HOSTNAME"
	t := &TLS{verifyName: p.boolean(verifyName)}
	if !p.boolean("KAFKA_TLS_ENABLED") {
		for _, name := range []string{caName, certName, keyName} {
			if p.value(name) != "" {
				p.fail(name, "is set but KAFKA_TLS_ENABLED is not true: set it to true, or unset %s", name)
			}
		}
		return nil
	}
	t.roots = p.authorities(caName, false)
	t.pair = p.keyPair(certName, keyName, "mutual TLS")
	if refused := p.refused(verifyName); !t.verifyName && !refused {
		if p.value(caName) == "" {
			p.fail(caName, "is not set but %s is false: without the brokers' own authority, a server with any certificate could impersonate them", verifyName)
		}
		p.warn("%s is false: a server with any certificate of the authorities in %s is accepted as a broker", verifyName, caName)
	}
	return t
}

// authorities returns nil, which means the system's, if no file is named. With beside the
// system's authorities are added to those of the file.
func (p *parser) authorities(name string, beside bool) *watchfile.Value[*x509.CertPool] {
	path := p.value(name)
	if path == "" {
		return nil
	}
	roots, err := watchfile.Add(p.files, name, []string{path}, func(contents [][]byte) (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		if beside {
			if system, err := x509.SystemCertPool(); err == nil {
				pool = system
			}
		}
		if !pool.AppendCertsFromPEM(contents[0]) {
			return nil, fmt.Errorf("%s contains no certificate: it must be a PEM file with the authorities", watchfile.Shown(path))
		}
		return pool, nil
	})
	if err != nil {
		p.fail(name, "cannot be used: %v", err)
	}
	return roots
}

// keyPair returns nil if neither file is set; use says what requires both.
func (p *parser) keyPair(certName, keyName, use string) *watchfile.Value[tls.Certificate] {
	cert, key := p.value(certName), p.value(keyName)
	switch {
	case cert == "" && key == "":
		return nil
	case cert == "":
		p.fail(certName, "is not set but %s is: %s needs both", keyName, use)
		return nil
	case key == "":
		p.fail(keyName, "is not set but %s is: %s needs both", certName, use)
		return nil
	}
	pair, err := watchfile.Add(p.files, certName+" and "+keyName, []string{cert, key}, func(contents [][]byte) (tls.Certificate, error) {
		pair, err := tls.X509KeyPair(contents[0], contents[1])
		if err != nil {
			text, _, _ := strings.Cut(err.Error(), " after skipping") // the rest quotes the files
			return pair, fmt.Errorf("are not a key pair: %s (both must be PEM, the key unencrypted)", text)
		}
		return pair, nil
	})
	if err != nil {
		name := certName
		if failed := (*watchfile.PathError)(nil); errors.As(err, &failed) && failed.Path == key {
			name = keyName
		}
		other := map[string]string{certName: keyName, keyName: certName}[name]
		p.fail(name, "cannot be used with %s: %v", other, err)
	}
	return pair
}
