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

// parseEnvelope reads a body. If a field occurred twice or in another case, or the text were
// not UTF-8, the service could read something else from it than was verified here. By
// default this JSON package refuses repeated fields and text that is not UTF-8, and ignores
// names in another case, as the service does.
func parseEnvelope(body []byte) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return e, errors.New("it is not a JSON object with the fields of an SMN message")
	}
	for name, value := range map[string]string{
		"type": e.Type, "message_id": e.MessageID, "topic_urn": e.TopicURN, "timestamp": e.Timestamp, "message": e.Message,
	} {
		if value == "" {
			return e, fmt.Errorf("it has no %s", name)
		}
	}
	// With a line break in one of these, signed text could move to another field.
	for _, value := range []string{e.Type, e.MessageID, e.TopicURN, e.Subject, e.Timestamp, e.SubscribeURL} {
		if strings.ContainsFunc(value, unicode.IsControl) {
			return e, errors.New("a field other than message has a control character")
		}
	}
	return e, nil
}

// signed returns the text that SMN signs: the names and values of the type's fields, each
// on its own line, sorted by name. An empty subject is left out.
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
