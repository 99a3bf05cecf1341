package plain

import "testing"

func TestWrapBreaksBetweenWordsAndLosesNone(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"word", "  word"},
		{"one two three", "  one two\n  three"},
		{"ä ö ü ß é", "  ä ö ü ß\n  é"},
		{"a-word-that-is-longer b", "  a-word-that-is-longer\n  b"},
		{" spaces   between\n", "  spaces\n  between"},
	} {
		if got := Wrap(c.text, "  ", 9); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
