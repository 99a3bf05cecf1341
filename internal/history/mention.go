package history

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Mentions tells whether an unreadable record seems to be about a task: its key is the
// task's id, or its value contains the id and the characters on both sides cannot belong
// to a longer id. The value must be valid UTF-8, because other bytes may contain an id by
// chance.
func Mentions(key, value []byte, taskID string) bool {
	return string(key) == taskID || contains(value, []byte(taskID))
}

func contains(value, id []byte) bool {
	// In valid UTF-8, a match begins and ends at whole characters.
	if len(id) == 0 || !utf8.Valid(id) || !utf8.Valid(value) {
		return false
	}
	for from := 0; ; {
		at := bytes.Index(value[from:], id)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRune(value[:at]) // RuneError at the beginning; it is not part of an id
		after, _ := utf8.DecodeRune(value[at+len(id):])
		if !partOfID(before) && !partOfID(after) {
			return true
		}
		from = at + 1
	}
}

// partOfID tells whether a character may be part of an id, as opposed to characters around
// an id in JSON, XML or a log line.
func partOfID(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '-' || r == '_'
}
