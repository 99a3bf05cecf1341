package config

import (
	"crypto/tls"
	"crypto/x509"
	"strings"

	"github.com/xdg-go/stringprep"
)

const (
	saslPlain    = "PLAIN"
	saslScram256 = "SCRAM-SHA-256"
	saslScram512 = "SCRAM-SHA-512"
)

// tls loads what the files hold; nil means plaintext.
func (p *parser) tls() *tls.Config {
	enabled := p.boolean("KAFKA_TLS_ENABLED")
	ca, cert, key := p.value("KAFKA_TLS_CA_FILE"), p.value("KAFKA_TLS_CERT_FILE"), p.value("KAFKA_TLS_KEY_FILE")
	if !enabled {
		for _, name := range []string{"KAFKA_TLS_CA_FILE", "KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE"} {
			if p.value(name) != "" {
				p.fail(name, "is set but KAFKA_TLS_ENABLED is not true: set it to true, or unset %s", name)
			}
		}
		return nil
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		RootCAs:      p.authorities("KAFKA_TLS_CA_FILE", ca),
		Certificates: p.keyPair("KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE", cert, key),
	}
}

// authorities returns nil, which means the system's, where no file is named.
func (p *parser) authorities(name, path string) *x509.CertPool {
	if path == "" {
		return nil
	}
	pem, err := readFile(path)
	if err != nil {
		p.fail(name, "cannot be read: %v", err)
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		p.fail(name, "names %s, which holds no certificate: it must be a PEM file with the brokers' authorities", shown(path))
		return nil
	}
	return pool
}

func (p *parser) keyPair(certName, keyName, cert, key string) []tls.Certificate {
	switch {
	case cert == "" && key == "":
		return nil
	case cert == "":
		p.fail(certName, "is not set but %s is: mutual TLS needs both", keyName)
		return nil
	case key == "":
		p.fail(keyName, "is not set but %s is: mutual TLS needs both", certName)
		return nil
	}
	certPEM, certErr := readFile(cert)
	if certErr != nil {
		p.fail(certName, "cannot be read: %v", certErr)
	}
	keyPEM, keyErr := readFile(key)
	if keyErr != nil {
		p.fail(keyName, "cannot be read: %v", keyErr)
	}
	if certErr != nil || keyErr != nil {
		return nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		p.fail(certName, "and %s do not make a key pair: %v (both must be PEM, the key unencrypted)", keyName, err)
		return nil
	}
	return []tls.Certificate{pair}
}

// sasl is all three variables or none.
func (p *parser) sasl() *SASL {
	names := []string{"KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
	there, missing := p.present(names)
	if len(there) == 0 {
		return nil
	}
	if len(missing) > 0 {
		p.fail(missing[0], "is not set but %s is: SASL needs %s", there[0], strings.Join(names, ", "))
	}
	s := &SASL{
		Username: p.text("KAFKA_SASL_USERNAME"),
		Password: p.secret("KAFKA_SASL_PASSWORD"),
	}
	if p.isSet("KAFKA_SASL_MECHANISM") {
		s.Mechanism = p.oneOf("KAFKA_SASL_MECHANISM", saslPlain, saslScram256, saslScram512)
	}
	if s.Mechanism != saslPlain {
		p.prepared("KAFKA_SASL_USERNAME", s.Username)
		p.prepared("KAFKA_SASL_PASSWORD", s.Password.Reveal())
	}
	return s
}

// prepared refuses what SCRAM cannot send. The library's own error quotes it.
func (p *parser) prepared(name, value string) {
	if _, err := stringprep.SASLprep.Prepare(value); err != nil {
		p.fail(name, "has a character that SCRAM does not allow (RFC 4013; value not shown)")
	}
}

// present splits names into those that are set and those that are not.
func (p *parser) present(names []string) (there, missing []string) {
	for _, name := range names {
		if p.isSet(name) {
			there = append(there, name)
		} else {
			missing = append(missing, name)
		}
	}
	return there, missing
}
