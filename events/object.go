package events

import "bytes"

// field is a member of a JSON object whose name means something to the shapes.
type field uint8

const (
	fieldTaskID field = iota
	fieldSpecversion
	fieldID
	fieldTraceparent
	fieldData
	fieldDataBase64
	fieldType
	fieldMessage
	fieldMessageID
	fieldRemuxInfo
	fieldStatus
	fieldErrorCode
	fieldDescription
	fieldUnknown // and the number of the others
)

var fieldNames = [fieldUnknown]string{
	fieldTaskID:      "task_id",
	fieldSpecversion: "specversion",
	fieldID:          "id",
	fieldTraceparent: "traceparent",
	fieldData:        "data",
	fieldDataBase64:  "data_base64",
	fieldType:        "type",
	fieldMessage:     "message",
	fieldMessageID:   "message_id",
	fieldRemuxInfo:   "remux_info",
	fieldStatus:      "status",
	fieldErrorCode:   "error_code",
	fieldDescription: "description",
}

// object is one JSON object's known fields, as they are written.
type object struct {
	values [fieldUnknown][]byte
	seen   [fieldUnknown]uint8 // 0, 1, or 2 for "more than once"
}

// read reads text, which must be one JSON object and nothing else.
func (o *object) read(text []byte) error {
	s := scanner{text: text}
	s.space()
	if s.peek() != '{' {
		// The grammar first: "not JSON" says more than "no object".
		if _, err := s.skip(maxDepth); err != nil {
			return err
		}
		if err := s.finish(); err != nil {
			return err
		}
		return unreadable(UnknownShape, "expected a JSON object")
	}
	s.pos++
	if s.space(); s.peek() == '}' {
		s.pos++
		return s.finish()
	}
	for {
		if err := o.readMember(&s); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return s.finish()
		default:
			return s.unexpected("',' or '}'")
		}
	}
}

func (o *object) readMember(s *scanner) error {
	key, err := s.key()
	if err != nil {
		return err
	}
	f := fieldOf(key)
	depth := maxDepth
	if f == fieldData || f == fieldRemuxInfo {
		depth += shapeDepth
	}
	value, err := s.skip(depth)
	if err != nil || f == fieldUnknown {
		return err
	}
	o.seen[f] = min(o.seen[f]+1, 2)
	o.values[f] = value
	return nil
}

// finish refuses anything after the value.
func (s *scanner) finish() error {
	if s.space(); s.pos < len(s.text) {
		return unreadable(NotJSON, "not JSON: there is more after the end of the value, at byte %d", s.pos)
	}
	return nil
}

// fieldOf finds a name as it is written, with its quotes. It may be written
// with escapes, so that "task\u005fid" is no way round the check for a second
// task_id.
func fieldOf(key []byte) field {
	name, _ := unquote(key)
	for f, known := range fieldNames {
		if string(name) == known {
			return field(f)
		}
	}
	return fieldUnknown
}

// has tells whether a field is there. null is how many serialisers write a
// field that is not, so it does not count.
func (o *object) has(f field) bool {
	return o.seen[f] > 1 || o.seen[f] == 1 && !bytes.Equal(o.values[f], []byte("null"))
}

// one is the text of a field that decides how the event is read: nil if it is
// not there, an error if it is there twice.
func (o *object) one(f field) ([]byte, error) {
	switch {
	case o.seen[f] > 1:
		return nil, unreadable(Ambiguous, "the field %q stands there more than once", fieldNames[f])
	case !o.has(f):
		return nil, nil
	}
	return o.values[f], nil
}

// text is what a field that only informs says: a string's content or a number's
// digits, cut to maxText. Of anything else, and where the field stands there
// twice, it is empty: no event is refused for an odd description.
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
