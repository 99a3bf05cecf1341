package receive

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ahead is how far a message may come from the future: clocks differ.
const ahead = 15 * time.Minute

// refusal is why a message is not taken, whoever sends it again.
type refusal struct{ reason, detail string }

func (r *refusal) Error() string { return r.detail }

// trouble is why a message cannot be taken now. SMN sends it again.
type trouble struct{ reason, detail string }

func (t *trouble) Error() string { return t.detail }

// verifier tells SMN's messages from others'.
type verifier struct {
	topics       []string
	hosts        hosts
	certificates *certificates
	maxAge       time.Duration
	wall         func() time.Time
}

// check gives nil for a message of SMN's for one of the topics that is recent; else
// a *refusal or a *trouble. What costs nothing comes first. The age comes last: a
// message that is refused for it is known to be SMN's.
func (v *verifier) check(ctx context.Context, e envelope) error {
	switch {
	case !slices.Contains([]string{typeNotification, typeSubscribe, typeUnsubscribe}, e.Type):
		return &refusal{"type", fmt.Sprintf("its type %.60q is none of SMN's", e.Type)}
	case !slices.Contains(v.topics, e.TopicURN):
		return &refusal{"topic", fmt.Sprintf("its topic %.200q is none of RECEIVE_TOPIC_URNS", e.TopicURN)}
	case !strings.EqualFold(e.SignatureVersion, "v1"):
		return &refusal{"signature", fmt.Sprintf("its signature_version %.20q is not v1", e.SignatureVersion)}
	}
	if err := v.hosts.check(e.SigningCertURL); err != nil {
		return &refusal{"certificate_host", "its signing_cert_url is refused: " + err.Error()}
	}
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if err != nil || len(signature) == 0 {
		return &refusal{"signature", "its signature is no base64"}
	}
	certificate, err := v.certificates.at(ctx, e.SigningCertURL)
	if err != nil {
		return err
	}
	proof := v.proves(certificate, e, signature)
	if proof != nil && v.certificates.outdated(e.SigningCertURL, certificate) {
		if certificate, err = v.certificates.at(ctx, e.SigningCertURL); err != nil {
			return err
		}
		proof = v.proves(certificate, e, signature)
	}
	if proof != nil {
		return proof
	}
	return v.recent(e.Timestamp, v.wall())
}

// proves gives nil if the message is signed with the certificate's key, and that may
// sign now; else a *refusal.
func (v *verifier) proves(certificate *x509.Certificate, e envelope, signature []byte) error {
	now := v.wall()
	switch {
	case now.Before(certificate.NotBefore) || now.After(certificate.NotAfter):
		return &refusal{"certificate", fmt.Sprintf("its certificate is valid from %s to %s", stamp(certificate.NotBefore), stamp(certificate.NotAfter))}
	case slices.Contains(weak, certificate.SignatureAlgorithm):
		return &refusal{"certificate", fmt.Sprintf("its certificate's algorithm %v can be forged", certificate.SignatureAlgorithm)}
	case certificate.CheckSignature(certificate.SignatureAlgorithm, e.signed(), signature) != nil:
		return &refusal{"signature", "its signature is not that of its certificate's key"}
	}
	return nil
}

// weak algorithms would let others sign.
var weak = []x509.SignatureAlgorithm{x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1}

// recent refuses what is sent again long after it was signed. The time is that of
// SMN's first attempt.
func (v *verifier) recent(timestamp string, now time.Time) error {
	at, err := time.Parse(time.RFC3339, timestamp)
	switch {
	case err != nil:
		return &refusal{"time", fmt.Sprintf("its timestamp %.60q is none", timestamp)}
	case now.Sub(at) > v.maxAge:
		return &refusal{"time", fmt.Sprintf("it was signed at %s, longer ago than RECEIVE_MAX_AGE (%v)", stamp(at), v.maxAge)}
	case at.Sub(now) > ahead:
		return &refusal{"time", fmt.Sprintf("it was signed at %s, which is in the future: check this machine's clock", stamp(at))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
