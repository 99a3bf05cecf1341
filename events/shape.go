package events

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// place is where a JSON text is inside a record's value. It limits the accepted envelopes,
// and so the recursion of read.
type place uint8

const (
	outermost    place = iota
	inCloudEvent       // the data of a CloudEvent
	inSMN              // the message of an SMN envelope
)

// read recognizes a JSON text's shape by its fields, in an order that gives every text
// exactly one shape, and reads it.
func (f *failureReader) read(text []byte, at place) error {
	var o object
	if err := o.read(text); err != nil {
		return err
	}
	switch {
	case at == outermost && o.has(fieldSpecversion):
		return f.readCloudEvent(&o)
	case at <= inCloudEvent && o.isSMN():
		return f.readSMN(&o)
	case o.has(fieldRemuxInfo):
		return f.readNotification(&o)
	case !o.has(fieldTaskID) && o.otherNotification() != "":
		return fmt.Errorf("%w: MPC's notification %.60q is not about a remux task", ErrNotAFailure, o.otherNotification())
	case !o.has(fieldTaskID):
		return hint(f.readPlain(&o), foreignObject(text))
	default:
		return f.readPlain(&o)
	}
}

// readPlain reads shape 1: {"task_id":"538526"}. The id may be an unsigned integer, whose
// digits are used exactly as written: ids may exceed 2^53 and 2^64.
func (f *failureReader) readPlain(o *object) error {
	id, err := readTaskID(o)
	if err != nil {
		return err
	}
	f.TaskID = id
	f.Succeeded = f.successes && o.succeeded()
	f.ErrorCode = o.text(fieldErrorCode)
	f.Description = o.text(fieldDescription)
	if f.ErrorCode == "" && o.has(fieldXcodeError) {
		f.readXcodeError(o.values[fieldXcodeError])
	}
	f.readUserData(o)
	return nil
}

// readXcodeError takes the cause from the field where MPC's notifications may have it
// instead. It is informational, so odd values are no error.
func (f *Failure) readXcodeError(raw []byte) {
	var o object
	if o.read(raw) != nil {
		return
	}
	f.ErrorCode = o.text(fieldErrorCode)
	if f.Description == "" {
		f.Description = o.text(fieldErrorMsg)
	}
}

// readUserData reads it completely or not at all: producers correlate by it, and a part of
// it could match another task.
func (f *Failure) readUserData(o *object) {
	if !o.has(fieldUserData) {
		return
	}
	content, lossy := o.values[fieldUserData], false
	if content[0] == '"' {
		content, lossy = unquote(content)
	} else if content[0] != '-' && (content[0] < '0' || content[0] > '9') {
		lossy = true
	}
	f.UserDataLeftOut = lossy || len(content) > MaxUserData || o.seen[fieldUserData] > 1
	if !f.UserDataLeftOut {
		f.UserData = string(content)
	}
}

func readTaskID(o *object) (string, error) {
	if o.seen[fieldTaskID] > 1 {
		return "", unreadable(TwoTaskIDs, "the field \"task_id\" is repeated; expected one task per event")
	}
	if !o.has(fieldTaskID) {
		return "", unreadable(NoTaskID, "there is no task_id; expected {\"task_id\":\"…\"}, a CloudEvent with such data, or an MPC notification")
	}
	raw := o.values[fieldTaskID]
	id := raw
	if raw[0] == '"' {
		var lossy bool
		if id, lossy = unquote(raw); lossy {
			return "", unreadable(InvalidTaskID, "the task_id has half of a surrogate pair (\\ud800 to \\udfff)")
		}
	} else if len(bytes.Trim(raw, "0123456789")) > 0 {
		return "", unreadable(InvalidTaskID, "the task_id is %s; expected a string, or an integer without sign, fraction and exponent", inWords(raw))
	}
	taskID := string(id)
	if err := checkTaskID(taskID); err != nil {
		return "", err
	}
	return taskID, nil
}

// inWords returns a JSON value for a message, so that a number does not look like a string.
func inWords(raw []byte) string {
	switch raw[0] {
	case '"':
		text, _ := unquote(raw)
		return fmt.Sprintf("the string %.40q", text)
	case '[':
		return "an array"
	case '{':
		return "an object"
	}
	return fmt.Sprintf("%.40s", raw) // a number, true, false or null
}

// readCloudEvent reads shape 2 in structured mode (CloudEvents 1.0, JSON format). Binary
// mode needs no code here: its value is the data.
func (f *failureReader) readCloudEvent(o *object) error {
	version, err := o.one(fieldSpecversion)
	if err != nil {
		return err
	}
	if version[0] != '"' || o.text(fieldSpecversion) != "1.0" {
		return unreadable(UnknownShape, "the CloudEvent's specversion is %s; expected the string \"1.0\"", inWords(version))
	}
	data, err := cloudEventData(o)
	if err != nil {
		return err
	}
	if err := f.read(data, inCloudEvent); err != nil {
		return inside("the CloudEvent's data", err)
	}
	if id := o.text(fieldID); id != "" {
		f.ID = id
	}
	if parent := []byte(o.text(fieldTraceparent)); validTraceparent(parent) {
		f.Traceparent = string(parent)
	}
	return nil
}

func cloudEventData(o *object) ([]byte, error) {
	data, err := o.one(fieldData)
	if err != nil {
		return nil, err
	}
	encoded, err := o.one(fieldDataBase64)
	switch {
	case err != nil:
		return nil, err
	case data != nil && encoded != nil:
		return nil, unreadable(Ambiguous, "the CloudEvent has both data and data_base64; expected one of them")
	case data != nil:
		return data, nil
	case encoded == nil:
		return nil, unreadable(NoTaskID, "the CloudEvent has no data; expected \"data\":{\"task_id\":\"…\"}")
	case encoded[0] != '"':
		return nil, unreadable(UnknownShape, "the CloudEvent's data_base64 is not a string")
	}
	content, _ := unquote(encoded)
	decoded, err := base64.StdEncoding.DecodeString(string(content))
	var corrupt base64.CorruptInputError
	if errors.As(err, &corrupt) {
		return nil, unreadable(UnknownShape, "the CloudEvent's data_base64 is not base64 at byte %d", int64(corrupt))
	}
	return decoded, inside("the CloudEvent's data_base64", checkText(decoded))
}
