// Package plain shows text from outside so that it is nothing but text: control
// and escape sequences of terminals, marks that change the direction of writing
// and what is no UTF-8 become visible as \u001b and the like. Failure events,
// MPC's answers and records on the topics may hold them.
//
// It is applied where text leaves the process: to standard output and error, to
// the log, and to the page's JSON; in a JSON string the escapes mean the same, so
// there it changes nothing. The page itself does the like (static/dom.js). It knows nothing of what the text means. Any
// package may import it.
package plain

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// Text shows a text on one line. A JSON document means the same afterwards.
func Text(s string) string {
	if safe(s, false) {
		return s
	}
	return string(appendPlain(nil, s, false))
}

// Writer passes on what is written, made plain but for line ends and tabs. A
// character must not be split between two writes. What is in a JSON string means
// the same afterwards.
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

// escape writes a character as JSON does; of what is none, the byte.
func escape(out []byte, r rune, first byte) []byte {
	const digits = "0123456789abcdef"
	unit := func(u rune) {
		out = append(out, '\\', 'u', digits[u>>12&15], digits[u>>8&15], digits[u>>4&15], digits[u&15])
	}
	switch {
	case r == utf8.RuneError:
		out = append(out, '\\', 'x', digits[first>>4], digits[first&15])
	case r > 0xffff: // in two halves
		r -= 0x10000
		unit(0xd800 + r>>10)
		unit(0xdc00 + r&0x3ff)
	default:
		unit(r)
	}
	return out
}
