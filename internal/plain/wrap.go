package plain

import (
	"strings"
	"unicode/utf8"
)

// HelpWidth is how many characters a line of help has at most.
const HelpWidth = 100

// Wrap breaks a text between words into lines of at most width characters, each after
// the indent. A word that is longer has a line of its own. There is no newline at the
// end.
func Wrap(text, indent string, width int) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		size := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			b.WriteString(indent)
			column = utf8.RuneCountInString(indent)
		case column+1+size > width:
			b.WriteString("\n" + indent)
			column = utf8.RuneCountInString(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += size
	}
	return b.String()
}
