package events

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Formats that producers write instead of a failure event, and what to change. Such records
// become dead letters whose message names the format. This code runs only for rejected
// records.

// foreignFormat adds the format, as far as the first bytes tell, to the error of a value
// that is not JSON or not UTF-8.
func foreignFormat(err error, value []byte) error {
	var u *Unreadable
	text := bytes.TrimLeft(value, whiteSpace)
	switch {
	case !errors.As(err, &u), u.Reason != NotJSON && u.Reason != NotUTF8:
	case len(text) == 0, bytes.IndexByte([]byte(`{["`), text[0]) >= 0: // meant to be JSON
	case hasPrefix(value, "\xEF\xBB\xBF", "\xFE\xFF", "\xFF\xFE"): // checkText has reported it
	case value[0] == 0 && len(value) > 5:
		return hint(err, confluent(value))
	case hasPrefix(value, "Obj\x01", "\xC3\x01"):
		return hint(err, "this is Avro; write JSON")
	case hasPrefix(value, "\x1F\x8B", "\x28\xB5\x2F\xFD"):
		return hint(err, "the value itself is compressed (gzip or zstd); write plain JSON, and have the producer compress its batches (compression.type)")
	case hasPrefix(value, "\xAC\xED\x00\x05"):
		return hint(err, "this is a serialized Java object; write JSON")
	case bytes.ContainsFunc(value[:min(len(value), 64)], func(r rune) bool { return r < ' ' && !strings.ContainsRune(whiteSpace, r) }):
		return hint(err, "this is binary, perhaps Avro or Protobuf; write JSON")
	case u.Reason == NotJSON && (text[0] > '9' || text[0] < '-'):
		return hint(err, "this is text; if it is one of MPC's text templates, "+setJSON)
	}
	return err
}

const whiteSpace = " \t\r\n" // JSON's

func hasPrefix(value []byte, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return bytes.HasPrefix(value, []byte(prefix)) })
}

// confluent describes a value of the serializers for Confluent's Schema Registry.
func confluent(value []byte) string {
	payload, instead := "probably Avro or Protobuf", "use a JSON serializer"
	if bytes.HasPrefix(bytes.TrimLeft(value[5:], whiteSpace), []byte("{")) {
		payload, instead = "JSON", "use a JSON or string serializer"
	}
	return fmt.Sprintf("this has the prefix of Confluent's Schema Registry (a zero byte, then schema id %d), and behind it %s; %s without a schema registry",
		binary.BigEndian.Uint32(value[1:5]), payload, instead)
}

// foreignValue describes a JSON value that is not an object.
func foreignValue(text []byte) string {
	text = bytes.TrimLeft(text, whiteSpace)
	switch {
	case text[0] == '"' && bytes.ContainsRune(text, '{'):
		return "this is JSON inside a JSON string; encode it once"
	case text[0] != '[':
		return ""
	}
	batch := false
	_ = elements(text, func(value []byte) error { // known to be JSON
		var o object
		batch = batch || value[0] == '{' && o.read(value) == nil && o.has(fieldSpecversion)
		return nil
	})
	if batch {
		return "this is a batch of CloudEvents; write one event a record (application/cloudevents+json, not cloudevents-batch+json)"
	}
	return "this is an array; write one event a record"
}

// foreignObject recognizes the envelope of another system by its field names. text is known
// to be a JSON object.
func foreignObject(text []byte) string {
	switch has := namesIn(text); {
	case has("Message") && (has("TopicArn") || has("Type")):
		return "this is an envelope of AWS SNS; turn on raw message delivery, or write what its Message holds"
	case has("detail") && has("detail-type"):
		return "this is an envelope of EventBridge; send its detail alone, by an input path or transformer of the rule ($.detail)"
	case has("op") && (has("before") || has("after")), has("schema") && has("payload.op"):
		return "this is a change event of Debezium; unwrap it with the transform ExtractNewRecordState or the outbox event router, and set value.converter.schemas.enable=false"
	case has("schema") && has("payload"):
		return "this is an envelope of Kafka Connect's JsonConverter; set value.converter.schemas.enable=false"
	}
	return ""
}

// envelopeNames are all names that foreignObject asks for.
var envelopeNames = [...]string{"Message", "TopicArn", "Type", "detail", "detail-type", "op", "before", "after", "schema", "payload", "payload.op"}

// namesIn reports which of envelopeNames the object has.
func namesIn(text []byte) (has func(name string) bool) {
	var found [len(envelopeNames)]bool
	note := func(prefix string, name []byte) {
		for i, known := range envelopeNames {
			if known == prefix+string(name) {
				found[i] = true
			}
		}
	}
	// The text was read before, so there is no error.
	_ = members(text, func(name, value []byte) error {
		note("", name)
		if string(name) == "payload" && value[0] == '{' {
			return members(value, func(name, _ []byte) error { note("payload.", name); return nil })
		}
		return nil
	})
	return func(name string) bool { return found[slices.Index(envelopeNames[:], name)] }
}
