package history_test

import (
	"testing"

	"remux-retrier/internal/history"
)

func TestAnIDWithinALongerOneIsNoMention(t *testing.T) {
	for _, c := range []struct{ id, value string }{
		{"77", `{"task":"7777"}`}, // each match has a digit beside it
		{"77", "777"},
		{"77", "x77 77x 177"},
		{"7", "ü7"},
		{"7", "7é"},
		{"é", "{éé…éa}"},
		{"é", "aé éa"},
		{"e", "e\u0301"}, // é in two characters
		{"7", "\u06637"}, // a digit, too
		{"7", "-7 7_"},
		{"a,a", "xa,a,ax"},
		{"\xa9", "é"}, // the second byte of a character
	} {
		if history.Mentions(nil, []byte(c.value), c.id) {
			t.Errorf("%q is said to mention %q", c.value, c.id)
		}
	}
}

func TestAnIDOnItsOwnIsFoundBehindOthers(t *testing.T) {
	for _, c := range []struct{ id, value string }{
		{"77", `{"task":"7777","was":"77"}`},
		{"77", "777 77"},
		{"77", "77"},
		{"77", "x77…77…"},
		{"é", "éé…é"},
		{"7", "\ufffd7\ufffd"}, // the replacement character is not a letter
		{"a,a", "xa,a,a"},
		{"…", "a…b …"},
	} {
		if !history.Mentions(nil, []byte(c.value), c.id) {
			t.Errorf("%q is not found in %q", c.id, c.value)
		}
	}
}
