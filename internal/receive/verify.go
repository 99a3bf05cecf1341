package receive

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxFuture is how far in the future a message may have been signed: clocks differ.
const maxFuture = 15 * time.Minute

// refusal is why a message is not accepted, however often it is sent again.
type refusal struct{ reason, detail string }

func (r *refusal) Error() string { return r.detail }

// trouble is why a message cannot be accepted now. SMN sends it again.
type trouble struct{ reason, detail string }

func (t *trouble) Error() string { return t.detail }

// verifier tells SMN's messages from forged ones.
type verifier struct {
	topics       []string
	hosts        hosts
	certificates *certificates
	maxAge       time.Duration
	wall         func() time.Time
}

// check returns nil for a recent message of SMN for one of the topics; else a *refusal or
// a *trouble. Checks that cost nothing come first. The age comes last: a message that is
// refused because of its age is known to be from SMN.
func (v *verifier) check(ctx context.Context, e envelope) error {
	switch {
	case !slices.Contains([]string{typeNotification, typeSubscribe, typeUnsubscribe}, e.Type):
		return &refusal{"type", fmt.Sprintf("its type %.60q is not one of SMN's", e.Type)}
	case !slices.Contains(v.topics, e.TopicURN):
		return &refusal{"topic", fmt.Sprintf("its topic %.200q is not in RECEIVE_TOPIC_URNS", e.TopicURN)}
	case !strings.EqualFold(e.SignatureVersion, "v1"):
		return &refusal{"signature", fmt.Sprintf("its signature_version %.20q is not v1", e.SignatureVersion)}
	}
	if err := v.hosts.check(e.SigningCertURL); err != nil {
		return &refusal{"certificate_host", "its signing_cert_url is refused: " + err.Error()}
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil || len(signature) == 0 {
		return &refusal{"signature", "its signature is not base64"}
	}
	if err := v.checkSignature(ctx, e, signature); err != nil {
		return err
	}
	if err := v.checkAge(e.Timestamp, v.wall()); err != nil {
		return err
	}
	v.certificates.hasVerified(e.SigningCertURL)
	return nil
}

// checkSignature returns nil if the message is signed with the key of the certificate
// that is now at its URL; else a *refusal, or a *trouble if that certificate cannot be
// fetched.
func (v *verifier) checkSignature(ctx context.Context, e envelope, signature []byte) error {
	certificate, err := v.certificates.get(ctx, e.SigningCertURL)
	if err != nil {
		return err
	}
	mismatch := v.verify(certificate, e, signature)
	if mismatch != nil && v.certificates.refetchIfOld(e.SigningCertURL, certificate) {
		if certificate, err = v.certificates.get(ctx, e.SigningCertURL); err != nil {
			return err
		}
		mismatch = v.verify(certificate, e, signature)
	}
	if mismatch != nil {
		return cmp.Or(v.certificates.troubleIfOld(e.SigningCertURL, certificate), mismatch)
	}
	return nil
}

// verify returns nil if the message is signed with the certificate's key, and the
// certificate is valid now; else a *refusal. A message does not name its algorithm: as in
// the vendor's sample code (smn_ug_a9004), it is that with which the certificate itself is
// signed.
func (v *verifier) verify(certificate *x509.Certificate, e envelope, signature []byte) error {
	now := v.wall()
	switch {
	case now.Before(certificate.NotBefore) || now.After(certificate.NotAfter):
		return &refusal{"certificate", fmt.Sprintf("its certificate is valid from %s to %s", stamp(certificate.NotBefore), stamp(certificate.NotAfter))}
	case slices.Contains(weakAlgorithms, certificate.SignatureAlgorithm):
		return &refusal{"certificate", fmt.Sprintf("its certificate's algorithm %v can be forged", certificate.SignatureAlgorithm)}
	case certificate.CheckSignature(certificate.SignatureAlgorithm, e.signed(), signature) != nil:
		return &refusal{"signature", "its signature is not that of its certificate's key"}
	}
	return nil
}

// weakAlgorithms would let others sign.
var weakAlgorithms = []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}

// checkAge refuses a message that was signed too long ago, or too far in the future. The time
// is that of SMN's first attempt.
func (v *verifier) checkAge(timestamp string, now time.Time) error {
	at, err := time.Parse(time.RFC3339, timestamp)
	switch {
	case err != nil:
		return &refusal{"time", fmt.Sprintf("its timestamp %.60q is not a time", timestamp)}
	case now.Sub(at) > v.maxAge:
		return &refusal{"time", fmt.Sprintf("it was signed at %s, longer ago than RECEIVE_MAX_AGE (%v)", stamp(at), v.maxAge)}
	case at.Sub(now) > maxFuture:
		return &refusal{"time", fmt.Sprintf("it was signed at %s, which is in the future: check this machine's clock", stamp(at))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
