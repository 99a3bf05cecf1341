package kafkalog

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/segmentio/kafka-go"
)

// unreachable is an error of a connection, and not of what it was used for: every
// operation meets it. See notice.Shared.
type unreachable struct {
	error
	certain bool // none can be opened; otherwise one has ended, and the next attempt tells why
}

func (u *unreachable) Unwrap() error { return u.error }

// Cause is for notice.Shared. What kafka-go says before the network's own words differs
// by how it came to dial.
func (u *unreachable) Cause() (text string, certain bool) {
	text = u.Error()
	var op *net.OpError
	if errors.As(u.error, &op) {
		text = text[max(0, strings.Index(text, op.Error())):]
	}
	return text, u.certain
}

// ofConnection tells whether an error is one of a connection, and whether none can be
// opened.
func ofConnection(err error) (is, certain bool) {
	var op *net.OpError
	switch {
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "remote error"), errors.As(err, new(*silentError)),
		errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, new(x509.HostnameError)),
		errors.As(err, new(x509.CertificateInvalidError)), errors.As(err, new(tls.RecordHeaderError)),
		errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.UnsupportedSASLMechanism), errors.Is(err, kafka.IllegalSASLState):
		return true, true
	}
	return op != nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed), false
}
