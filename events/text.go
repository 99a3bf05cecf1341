package events

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxText is the limit of a free text or a foreign id in an outcome, in bytes.
const maxText = 1 << 10

// MaxUserData is the longest user_data in an outcome, in bytes.
const MaxUserData = 4 << 10

// maxTaskID is the longest task id, in bytes.
const maxTaskID = 128

// cut is the largest length of at most limit bytes that splits no character.
func cut[T string | []byte](text T, limit int) int {
	if len(text) <= limit {
		return len(text)
	}
	end := limit
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return end
}

// clean makes a foreign text fit for an outcome: valid UTF-8 of at most maxText bytes that
// does not keep a longer text in memory.
func clean(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if end := cut(text, maxText); end < len(text) {
		return strings.Clone(text[:end])
	}
	return text
}

// unquote returns the content of a JSON string. lossy: half of a surrogate pair was
// replaced by U+FFFD.
func unquote(raw []byte) (content []byte, lossy bool) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], false
	}
	content, err := jsontext.AppendUnquote(nil, raw)
	return content, err != nil
}

// CheckTaskID rejects ids that ReadFailure would reject. The error is an *Unreadable of one
// line, which quotes the id only if it is not too long.
func CheckTaskID(id string) error {
	if !utf8.ValidString(id) {
		return unreadable(InvalidTaskID, "the task_id is not UTF-8")
	}
	return checkTaskID(id)
}

// checkTaskID rejects what cannot be a task id. Such ids would end up in a URL, a key, a
// log line and a header, where they could be mistaken for something else.
func checkTaskID(id string) error {
	switch {
	case len(id) == 0:
		return unreadable(InvalidTaskID, "the task_id is empty")
	case len(id) > maxTaskID:
		return unreadable(InvalidTaskID, "the task_id has %d bytes; at most %d are expected", len(id), maxTaskID)
	}
	for _, r := range id {
		switch {
		case unicode.IsControl(r):
			return unreadable(InvalidTaskID, "the task_id %q has a control character (U+%04X)", id, r)
		case unicode.IsSpace(r):
			return unreadable(InvalidTaskID, "the task_id %q has white space (U+%04X)", id, r)
		}
	}
	return nil
}
