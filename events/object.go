package events

import (
	"bytes"
	"errors"
)

// field is a known member name of a JSON object.
type field uint8

const (
	fieldUnknown field = iota
	fieldTaskID
	fieldSpecversion
	fieldID
	fieldTraceparent
	fieldData
	fieldDataBase64
	fieldType
	fieldMessage
	fieldMessageID
	fieldTopicURN
	fieldEventType
	fieldRemuxInfo
	fieldStatus
	fieldErrorCode
	fieldErrorMsg
	fieldXcodeError
	fieldDescription
	fieldUserData
	fields // the number of fields
)

var fieldNames = [fields]string{
	fieldTaskID:      "task_id",
	fieldSpecversion: "specversion",
	fieldID:          "id",
	fieldTraceparent: "traceparent",
	fieldData:        "data",
	fieldDataBase64:  "data_base64",
	fieldType:        "type",
	fieldMessage:     "message",
	fieldMessageID:   "message_id",
	fieldTopicURN:    "topic_urn",
	fieldEventType:   "event_type",
	fieldRemuxInfo:   "remux_info",
	fieldStatus:      "status",
	fieldErrorCode:   "error_code",
	fieldErrorMsg:    "error_msg",
	fieldXcodeError:  "xcode_error",
	fieldDescription: "description",
	fieldUserData:    "user_data",
}

// fieldOf finds a name with exactly this spelling.
func fieldOf(name []byte) field {
	for f, known := range fieldNames[1:] {
		if string(name) == known {
			return field(f + 1)
		}
	}
	return fieldUnknown
}

// object holds one JSON object's known fields, unparsed.
type object struct {
	values [fields][]byte
	seen   [fields]uint8 // 0, 1, or 2 for "more than once"
	// otherInfo is the name of an object-valued field …_info other than remux_info.
	otherInfo []byte
}

// read reads text, which must be exactly one JSON object.
func (o *object) read(text []byte) error {
	err := members(text, func(name, value []byte) error {
		switch f := fieldOf(name); {
		case f != fieldUnknown:
			o.seen[f] = min(o.seen[f]+1, 2)
			o.values[f] = value
		case value[0] == '{' && bytes.HasSuffix(name, []byte("_info")):
			o.otherInfo = name
		}
		return nil
	})
	if errors.Is(err, errOtherKind) {
		return hint(unreadable(UnknownShape, "expected a JSON object"), foreignValue(text))
	}
	return err
}

// has reports whether a field is present. null does not count: many serialisers write it
// for a missing value.
func (o *object) has(f field) bool {
	return o.seen[f] > 1 || o.seen[f] == 1 && !bytes.Equal(o.values[f], []byte("null"))
}

// one is the text of a field that decides how the event is read: nil if it is missing, an
// error if it is repeated.
func (o *object) one(f field) ([]byte, error) {
	switch {
	case o.seen[f] > 1:
		return nil, unreadable(Ambiguous, "the field %q is repeated", fieldNames[f])
	case !o.has(f):
		return nil, nil
	}
	return o.values[f], nil
}

// succeeded reports whether the object's status says that the task has succeeded. MPC
// spells it in two ways.
func (o *object) succeeded() bool {
	if o.seen[fieldStatus] != 1 {
		return false
	}
	status := string(content(o.values[fieldStatus]))
	return status == "SUCCEED" || status == "SUCCEEDED"
}

// text is the content of an informational field: a string's content or a number's digits,
// cut to maxText. It is empty for other values and for repeated fields: no event is
// rejected because of an odd description.
func (o *object) text(f field) string {
	if o.seen[f] != 1 {
		return ""
	}
	switch raw := o.values[f]; {
	case raw[0] == '"':
		content, _ := unquote(raw)
		return string(content[:cut(content, maxText)])
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw[:min(len(raw), maxText)])
	}
	return ""
}
