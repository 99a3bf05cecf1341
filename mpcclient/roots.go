package mpcclient

import (
	"crypto/tls"
	"crypto/x509"
)

// tlsConfig verifies servers against the authorities that roots gives when a connection is opened, so that a file with
// them may change while the process runs. Nil roots, or a nil pool, mean the system's.
func tlsConfig(roots func() *x509.CertPool) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots == nil {
		return cfg
	}
	cfg.InsecureSkipVerify = true // verified below: crypto/tls takes no pool that changes
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{DNSName: state.ServerName, Roots: roots(), Intermediates: x509.NewCertPool()}
		for _, cert := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(cert)
		}
		if _, err := state.PeerCertificates[0].Verify(options); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
	return cfg
}
