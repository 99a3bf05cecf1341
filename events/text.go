package events

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText is the most that a free text or a foreign id may take in an outcome,
// in bytes.
const maxText = 1 << 10

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

// clean makes a foreign text fit for an outcome: valid UTF-8 of at most maxText
// bytes, which do not hold on to the memory of a longer one.
func clean(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if end := cut(text, maxText); end < len(text) {
		return strings.Clone(text[:end])
	}
	return text
}

// unquote gives the content of a JSON string as the scanner returned it. lossy
// tells that half of a surrogate pair stood alone; U+FFFD takes its place.
func unquote(raw []byte) (content []byte, lossy bool) {
	raw = raw[1 : len(raw)-1]
	first := bytes.IndexByte(raw, '\\')
	if first < 0 {
		return raw, false
	}
	content = append(make([]byte, 0, len(raw)), raw[:first]...)
	for at := first; at < len(raw); {
		if raw[at] != '\\' {
			content = append(content, raw[at])
			at++
			continue
		}
		if raw[at+1] != 'u' {
			content = append(content, unescape(raw[at+1]))
			at += 2
			continue
		}
		r := hexRune(raw[at+2:])
		at += 6
		if utf16.IsSurrogate(r) {
			var low rune = -1
			if bytes.HasPrefix(raw[at:], []byte(`\u`)) {
				low = hexRune(raw[at+2:])
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				lossy = true
			} else {
				at += 6
			}
		}
		content = utf8.AppendRune(content, r)
	}
	return content, lossy
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // the quote, the backslash and the slash stand for themselves
}

func hexRune(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		r = r<<4 | rune(hexDigit(c))
	}
	return r
}

// hexDigit is the digit's value, or -1.
func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// CheckTaskID refuses what ReadFailure would not take for a task's id. The error
// is an *Unreadable, and never longer than a few lines.
func CheckTaskID(id string) error {
	if !utf8.ValidString(id) {
		return unreadable(InvalidTaskID, "the task_id is not UTF-8")
	}
	return checkTaskID([]byte(id))
}

// checkTaskID refuses what cannot be a task id. Such ids would end in a URL, a
// key, a log line and a header, where they could pass for something else.
func checkTaskID(id []byte) error {
	switch {
	case len(id) == 0:
		return unreadable(InvalidTaskID, "the task_id is empty")
	case len(id) > maxTaskID:
		return unreadable(InvalidTaskID, "the task_id has %d bytes; at most %d are expected", len(id), maxTaskID)
	}
	for at := 0; at < len(id); {
		r, size := utf8.DecodeRune(id[at:])
		switch {
		case unicode.IsControl(r):
			return unreadable(InvalidTaskID, "the task_id %q has a control character (U+%04X)", id, r)
		case unicode.IsSpace(r):
			return unreadable(InvalidTaskID, "the task_id %q has white space (U+%04X)", id, r)
		}
		at += size
	}
	return nil
}
