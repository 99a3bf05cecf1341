package receive

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
)

// The types of SMN's messages.
const (
	typeNotification = "Notification"
	typeSubscribe    = "SubscriptionConfirmation"
	typeUnsubscribe  = "UnsubscribeConfirmation"
)

// envelope is an SMN message.
type envelope struct {
	Type             string `json:"type"`
	MessageID        string `json:"message_id"`
	TopicURN         string `json:"topic_urn"`
	Subject          string `json:"subject"`
	Message          string `json:"message"`
	Timestamp        string `json:"timestamp"`
	SubscribeURL     string `json:"subscribe_url"`
	Signature        string `json:"signature"`
	SignatureVersion string `json:"signature_version"`
	SigningCertURL   string `json:"signing_cert_url"`
}

// parseEnvelope reads a body. Names that stand there twice or in another case, and
// text that is no UTF-8, could mean one thing here and another to the service, so
// such bodies are refused; this package of JSON does that by default.
func parseEnvelope(body []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return e, errors.New("it is no JSON object with an SMN message's fields")
	}
	for name, value := range map[string]string{
		"type": e.Type, "message_id": e.MessageID, "topic_urn": e.TopicURN, "timestamp": e.Timestamp, "message": e.Message,
	} {
		if value == "" {
			return e, fmt.Errorf("it has no %s", name)
		}
	}
	// A line break in one of these would let signed text move to another field.
	for _, value := range []string{e.Type, e.MessageID, e.TopicURN, e.Subject, e.Timestamp, e.SubscribeURL} {
		if strings.ContainsFunc(value, unicode.IsControl) {
			return e, errors.New("a field other than message has a control character")
		}
	}
	return e, nil
}

// signed is the text that the signature is over: names and values of the type's
// fields, each on a line of its own, sorted by name. An empty subject is left out.
func (e envelope) signed() []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(name + "\n" + value + "\n") }
	line("message", e.Message)
	line("message_id", e.MessageID)
	switch {
	case e.Type != typeNotification:
		line("subscribe_url", e.SubscribeURL)
	case e.Subject != "":
		line("subject", e.Subject)
	}
	line("timestamp", e.Timestamp)
	line("topic_urn", e.TopicURN)
	line("type", e.Type)
	return []byte(b.String())
}
