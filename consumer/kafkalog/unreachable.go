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

// unreachable is an error of the connection itself, so every operation fails because of it;
// see notice.Shared.
type unreachable struct {
	error
	confirmed bool // no connection can be opened; otherwise one was closed, and the next attempt shows why
}

func (u *unreachable) Unwrap() error { return u.error }

// Cause implements the interface that notice.Shared looks for. It removes what kafka-go
// puts before the network error: that depends on where kafka-go dialled.
func (u *unreachable) Cause() (text string, confirmed bool) {
	text = u.Error()
	var op *net.OpError
	if errors.As(u.error, &op) {
		text = text[max(0, strings.Index(text, op.Error())):]
	}
	return text, u.confirmed
}

// ofConnection reports whether an error is one of a connection, and whether no connection
// can be opened.
func ofConnection(err error) (is, confirmed bool) {
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
