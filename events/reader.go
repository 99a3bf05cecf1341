package events

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how many levels the value of one field may nest.
const maxDepth = 1000

// shapeDepth is what the shapes add around a field: data and remux_info are objects whose
// fields may nest maxDepth levels each.
const shapeDepth = 2

// reader reads JSON texts (RFC 8259) that are known to be UTF-8. It checks the grammar of
// everything it skips and builds nothing: neither the size nor the depth of a field costs
// memory.
//
// encoding/json of Go 1.26 is not used for reading: it matches names regardless of case,
// silently accepts a second task_id, rounds numbers, and takes 14 times as long. jsontext
// is part of Go from 1.27 on; this module is the same for 1.26.
type reader struct {
	text   []byte
	buffer bytes.Buffer // jsontext reads such a buffer in place
	tokens jsontext.Decoder
	// flat: the text has too few brackets to nest too deep.
	flat bool
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// Repeated names are handled by their meaning (object.one). Half a surrogate pair in an
// escape counts as invalid UTF-8; that matters only in a task id (unquote).
var readerOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// members calls use for each member of the object in text, in order, with the name's
// content and the unparsed value. Both are valid as long as text is.
func members(text []byte, use func(name, value []byte) error) error {
	return each('{', text, use)
}

// elements does the same for an array.
func elements(text []byte, use func(value []byte) error) error {
	return each('[', text, func(_, value []byte) error { return use(value) })
}

func each(kind jsontext.Kind, text []byte, use func(name, value []byte) error) error {
	r := readers.Get().(*reader)
	defer r.release()
	r.text, r.buffer = text, *bytes.NewBuffer(text)
	r.flat = bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) <= maxDepth
	r.tokens.Reset(&r.buffer, readerOptions...)
	if r.tokens.PeekKind() != kind {
		// Check the grammar first: "not JSON" says more than "not an object".
		if _, err := r.value(maxDepth); err != nil {
			return err
		}
		if err := r.end(); err != nil {
			return err
		}
		return errOtherKind
	}
	if err := r.token(); err != nil {
		return err
	}
	for closing := kind + 2; r.tokens.PeekKind() != closing; { // in ASCII two characters further
		var name []byte
		if kind == '{' {
			raw, err := r.value(0)
			if err != nil {
				return err
			}
			name, _ = unquote(raw)
		}
		value, err := r.value(depthOf(name))
		if err != nil {
			return err
		}
		if err := use(name, value); err != nil {
			return err
		}
	}
	if err := r.token(); err != nil {
		return err
	}
	return r.end()
}

// errOtherKind: valid JSON, but not of the expected kind.
var errOtherKind = errors.New("expected another kind of JSON value")

func depthOf(name []byte) int {
	if string(name) == "data" || string(name) == "remux_info" {
		return maxDepth + shapeDepth
	}
	return maxDepth
}

// release returns the reader to the pool, without the text.
func (r *reader) release() {
	r.text, r.buffer = nil, bytes.Buffer{}
	r.tokens.Reset(&r.buffer)
	readers.Put(r)
}

// value skips one value that nests at most depth levels, and returns its text.
func (r *reader) value(depth int) ([]byte, error) {
	if r.flat || !r.opens() {
		value, err := r.tokens.ReadValue()
		if err != nil {
			return nil, r.failed(err)
		}
		end := int(r.tokens.InputOffset())
		return r.text[end-len(value) : end], nil
	}
	// Token by token, because ReadValue recurses.
	outside := r.tokens.StackDepth()
	if err := r.token(); err != nil {
		return nil, err
	}
	start := int(r.tokens.InputOffset()) - 1
	for r.tokens.StackDepth() > outside {
		if r.tokens.StackDepth() > outside+depth {
			return nil, unreadable(TooDeep, "byte %d: a field nests deeper than %d levels", r.tokens.InputOffset()-1, maxDepth)
		}
		if err := r.token(); err != nil {
			return nil, err
		}
	}
	return r.text[start:r.tokens.InputOffset()], nil
}

// opens reports whether an object or array comes next.
func (r *reader) opens() bool {
	kind := r.tokens.PeekKind()
	return kind == '{' || kind == '['
}

func (r *reader) token() error {
	if _, err := r.tokens.ReadToken(); err != nil {
		return r.failed(err)
	}
	return nil
}

// end rejects anything after the value.
func (r *reader) end() error {
	if len(bytes.TrimLeft(r.text[r.tokens.InputOffset():], whiteSpace)) > 0 {
		return unreadable(NotJSON, "not JSON: unexpected text after the value, at byte %d", r.tokens.InputOffset())
	}
	return nil
}

// failed reports where the text is not JSON, and why.
func (r *reader) failed(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return unreadable(NotJSON, "not JSON: it ends at byte %d, before the value is complete", len(r.text))
	case errors.As(err, &syntax):
		return unreadable(NotJSON, "not JSON: byte %d: %v", syntax.ByteOffset, syntax.Err)
	}
	return unreadable(NotJSON, "not JSON: %v", err)
}
