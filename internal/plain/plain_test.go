package plain

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// hostile maps texts that a terminal or a browser would not show as text to the texts
// that are shown.
var hostile = map[string]string{
	"\x1b]0;pwned\x07":          `\u001b]0;pwned\u0007`, // OSC: the window's title, or the clipboard
	"\x1b[2J\x1b[1;1H":          `\u001b[2J\u001b[1;1H`, // clears the screen
	"\u009b2J":                  `\u009b2J`,             // the same in one character (C1)
	"a\u202egpj.exe":            `a\u202egpj.exe`,       // right to left
	"a\u2066b\u2069":            `a\u2066b\u2069`,
	"\r\boverwritten":           `\u000d\u0008overwritten`,
	"\u2028\u2029":              `\u2028\u2029`,
	"\u200b\ufeff":              `\u200b\ufeff`,     // nothing to be seen
	"tag \U000e0041":            `tag \udb40\udc41`, // no mark, no letter
	"\x00\x7f":                  `\u0000\u007f`,
	"no UTF-8 \xff\xc3":         `no UTF-8 \xff\xc3`,
	"mögen 编码\u3000失败 ✓ \u00a0": "mögen 编码\u3000失败 ✓ \u00a0", // text
}

func TestWhatIsNoTextIsShownAsWhatItIs(t *testing.T) {
	for s, want := range hostile {
		if got := Text(s); got != want {
			t.Errorf("%q is shown as %q, want %q", s, got, want)
		}
		var out strings.Builder
		if n, err := io.WriteString(Writer(&out), s+"\n\tx"); out.String() != want+"\n\tx" || n != len(s)+3 || err != nil {
			t.Errorf("%q is written as %q (%d, %v)", s, out.String(), n, err)
		}
	}
	if got := Text("a\nb\tc"); got != `a\u000ab\u0009c` {
		t.Errorf("more than one line: %q", got)
	}
}

func TestADocumentsStringsMeanTheSameWhenWritten(t *testing.T) {
	for s := range hostile {
		document, err := json.Marshal(map[string]string{"k" + s: s})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		_, _ = Writer(&out).Write(document)
		var before, after map[string]string
		if err := errors.Join(json.Unmarshal(document, &before), json.Unmarshal([]byte(out.String()), &after)); err != nil {
			t.Fatal(s, err)
		}
		if len(after) != 1 || before["k"+s] != after["k"+s] {
			t.Errorf("%q became %q", before, after)
		}
	}
}
