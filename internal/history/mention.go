package history

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Mentions tells whether a record that cannot be read as a failure event seems
// to be about a task: its key is the task's id, or its value holds the id with
// nothing on either side that could be part of a longer one. Nothing is known of
// the value's form but that it must be text: in other bytes an id stands by chance.
func Mentions(key, value []byte, taskID string) bool {
	return string(key) == taskID || holds(value, []byte(taskID))
}

func holds(value, id []byte) bool {
	// In valid text a valid id stands at whole characters only.
	if len(id) == 0 || !utf8.Valid(id) || !utf8.Valid(value) {
		return false
	}
	for from := 0; ; {
		at := bytes.Index(value[from:], id)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRune(value[:at]) // RuneError, which is part of no id, where nothing is
		after, _ := utf8.DecodeRune(value[at+len(id):])
		if !partOfID(before) && !partOfID(after) {
			return true
		}
		from = at + 1
	}
}

// partOfID tells the characters that ids are made of, as far as is known, from
// those that stand around them in JSON, XML or a log line.
func partOfID(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '-' || r == '_'
}
