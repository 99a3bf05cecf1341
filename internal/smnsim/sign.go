package smnsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"time"
)

// Types of messages.
const (
	Notification = "Notification"
	Subscribe    = "SubscriptionConfirmation"
	Unsubscribe  = "UnsubscribeConfirmation"
)

// Message is an SMN message, by field name.
type Message map[string]string

// signedFields are the fields that are signed, by type, in the order of the vendor's
// documentation.
var signedFields = map[string][]string{
	Notification: {"message", "message_id", "subject", "timestamp", "topic_urn", "type"},
	Subscribe:    {"message", "message_id", "subscribe_url", "timestamp", "topic_urn", "type"},
	Unsubscribe:  {"message", "message_id", "subscribe_url", "timestamp", "topic_urn", "type"},
}

// StringToSign returns the text that is signed: each field's name and value, each followed
// by a line end.
func (m Message) StringToSign() string {
	var lines []string
	for _, field := range signedFields[m["type"]] {
		if field != "subject" || m[field] != "" {
			lines = append(lines, field, m[field])
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// sign adds the signature.
func (m Message) sign(key *rsa.PrivateKey) error {
	digest := sha256.Sum256([]byte(m.StringToSign()))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	m["signature"] = base64.StdEncoding.EncodeToString(signature)
	return nil
}

// With returns a copy with other fields and the old signature.
func (m Message) With(fields Message) Message {
	other := maps.Clone(m)
	maps.Copy(other, fields)
	return other
}

// Body returns the message as it is sent.
func (m Message) Body() []byte {
	body, err := json.Marshal(m)
	if err != nil {
		panic(err) // a map of strings
	}
	return body
}

// Message returns a signed message of a type, dated now. fields are added to it, or replace
// its own, such as "timestamp" and "topic_urn".
func (s *SMN) Message(kind, text string, fields Message) (Message, error) {
	m := Message{
		"type": kind, "message": text, "message_id": newID(), "topic_urn": s.cfg.Topic,
		"timestamp": time.Now().UTC().Format(time.RFC3339), "signature_version": "v1", "signing_cert_url": s.CertURL(),
	}
	if kind == Notification {
		m["unsubscribe_url"] = s.url + "/smn/subscription/unsubscribe"
	} else {
		m["subscribe_url"] = s.url + confirmPath + "?token=" + m["message_id"]
	}
	maps.Copy(m, fields)
	return m, m.sign(s.key)
}

// TaskEnded is MPC's notification that a task has ended, as SMN receives it.
func TaskEnded(taskID, status, code, description string) string {
	info := map[string]string{"task_id": taskID, "status": status}
	if code != "" {
		info["error_code"], info["description"] = code, description
	}
	text, err := json.Marshal(map[string]any{"event_type": "RemuxComplete", "remux_info": info})
	if err != nil {
		panic(err) // strings
	}
	return string(text)
}
