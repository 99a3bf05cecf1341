package events

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// The types of envelopes of Huawei Cloud's notification service (SMN).
const (
	smnNotification = "Notification"
	smnSubscribe    = "SubscriptionConfirmation"
	smnUnsubscribe  = "UnsubscribeConfirmation"
)

// setJSON says how to make MPC notify in JSON.
const setJSON = "set msg_type 2 (JSON) in MPC's notification settings"

// isSMN: an envelope has one of SMN's types, a message, and a message_id or topic_urn. A
// plain event may have a type and a message too.
func (o *object) isSMN() bool {
	return o.has(fieldType) && o.has(fieldMessage) && (o.has(fieldMessageID) || o.has(fieldTopicURN)) &&
		(o.seen[fieldType] > 1 || o.smnType() != "")
}

// smnType is one of SMN's types, in any letter case; otherwise empty.
func (o *object) smnType() string {
	written := content(o.values[fieldType])
	for _, known := range [...]string{smnNotification, smnSubscribe, smnUnsubscribe} {
		if strings.EqualFold(string(written), known) {
			return known
		}
	}
	return ""
}

// readSMN reads shape 4: an SMN envelope whose message is a JSON text of shape 1 or 3 in a
// string.
func (f *failureReader) readSMN(o *object) error {
	if _, err := o.one(fieldType); err != nil {
		return err
	}
	raw, err := o.one(fieldMessage)
	if err != nil {
		return err
	}
	switch kind := o.smnType(); {
	case kind == smnSubscribe:
		return unreadable(UnknownShape, "this is SMN's %s, which asks to confirm a subscription: open its subscribe_url once, and forward only Notifications; %s", kind, setJSON)
	case kind == smnUnsubscribe:
		return unreadable(UnknownShape, "this is SMN's %s, which reports the end of a subscription: forward only Notifications; %s", kind, setJSON)
	case raw[0] != '"':
		return unreadable(UnknownShape, "it is an SMN envelope by its type, but its message is not a string")
	}
	message, lossy := unquote(raw)
	if err := f.read(message, inSMN); err != nil {
		return inside("the message of the SMN envelope", foreignFormat(err, message))
	}
	if lossy && bytes.ContainsRune([]byte(f.TaskID), utf8.RuneError) {
		return unreadable(InvalidTaskID, "the task_id has half of a surrogate pair (\\ud800 to \\udfff)")
	}
	f.ID = o.text(fieldMessageID)
	return nil
}
