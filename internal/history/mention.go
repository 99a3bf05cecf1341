package history

import (
	"bytes"
	"unicode/utf8"
)

// Mentions tells whether a record that cannot be read as a failure event seems
// to be about a task: its key is the task's id, or its value holds the id with
// nothing on either side that could be part of a longer one. Nothing is known of
// the value's form but that it must be text: in other bytes an id stands by chance.
func Mentions(key, value []byte, taskID string) bool {
	return string(key) == taskID || holds(value, taskID)
}

func holds(value []byte, taskID string) bool {
	if taskID == "" || !utf8.Valid(value) {
		return false
	}
	for rest := value; ; {
		at := bytes.Index(rest, []byte(taskID))
		if at < 0 {
			return false
		}
		end := at + len(taskID)
		before, _ := utf8.DecodeLastRune(rest[:at])
		after, _ := utf8.DecodeRune(rest[end:])
		if (at == 0 || !partOfID(before)) && (end == len(rest) || !partOfID(after)) {
			return true
		}
		rest = rest[at+1:]
	}
}

// partOfID tells the characters that ids are made of, as far as is known, from
// those that stand around them in JSON, XML or a log line.
func partOfID(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_'
}
