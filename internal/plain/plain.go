// Package plain makes text from outside safe to show: control characters, escape
// sequences of terminals, marks that change the writing direction, and bytes that are
// not UTF-8 become visible as \u001b and the like. Failure events, MPC's answers and
// records on the topics may contain them.
//
// It is used where text leaves the process: standard output and error, the log, and the
// page's JSON. In a JSON string that is UTF-8 the escapes mean the same characters. The page
// does the same in static/dom.js. Time is a time of any year as JSON, Wrap breaks help texts
// into lines, and Count writes a number with its noun. Any package may import it.
package plain

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// Text returns the text made safe, on one line. A JSON document keeps its meaning if it is
// UTF-8 and has no line breaks and tabs between its tokens.
func Text(s string) string {
	if safe(s, false) {
		return s
	}
	return string(appendPlain(nil, s, false))
}

// Writer returns a writer that makes text safe, except for line ends and tabs, and writes
// it to w. A character must not be split between two writes. JSON strings that are UTF-8
// keep their meaning.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if s := string(p); !safe(s, true) {
		if _, err := w.to.Write(appendPlain(nil, s, true)); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return w.to.Write(p)
}

func safe(s string, lines bool) bool {
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if !shown(r, size, lines) {
			return false
		}
		i += size
	}
	return true
}

func shown(r rune, size int, lines bool) bool {
	switch {
	case r < 0x7f:
		return r >= ' ' || lines && (r == '\n' || r == '\t')
	case r == utf8.RuneError && size == 1:
		return false
	}
	return unicode.IsGraphic(r)
}

func appendPlain(out []byte, s string, lines bool) []byte {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if shown(r, size, lines) {
			out = append(out, s[i:i+size]...)
		} else {
			out = escape(out, r, s[i])
		}
		i += size
	}
	return out
}

// escape appends a character as JSON escapes it, or \x and the byte if it is not UTF-8.
func escape(out []byte, r rune, first byte) []byte {
	const digits = "0123456789abcdef"
	unit := func(u rune) {
		out = append(out, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	switch {
	case r == utf8.RuneError:
		out = append(out, '\\', 'x', digits[first>>4], digits[first&15])
	case r > 0xffff: // a surrogate pair
		r -= 0x10000
		unit(0xd800 + r>>10)
		unit(0xdc00 + r&0x3ff)
	default:
		unit(r)
	}
	return out
}
