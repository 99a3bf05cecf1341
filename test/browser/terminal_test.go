//go:build browser

package browser

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// cell is a character and its colours, as the sandbox sets them.
type cell struct {
	char  rune
	style string
}

// screen interprets what the sandbox writes to a terminal: text, colours, and the status
// line that is erased and drawn again.
type screen struct {
	lines    [][]cell
	row, col int
	style    string
}

func (s *screen) write(text string) {
	for len(text) > 0 {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			if end < 0 {
				return
			}
			s.control(rest[end], rest[:end])
			text = rest[end+1:]
			continue
		}
		char := []rune(text[:min(len(text), 4)])[0]
		text = text[len(string(char)):]
		s.put(char)
	}
}

func (s *screen) put(char rune) {
	switch char {
	case '\r':
		s.col = 0
		return
	case '\n':
		s.row++
		return
	}
	for len(s.lines) <= s.row {
		s.lines = append(s.lines, nil)
	}
	for len(s.lines[s.row]) <= s.col {
		s.lines[s.row] = append(s.lines[s.row], cell{char: ' '})
	}
	s.lines[s.row][s.col] = cell{char, s.style}
	s.col++
}

func (s *screen) control(kind byte, argument string) {
	switch kind {
	case 'J': // erase from the cursor on
		if s.row < len(s.lines) {
			s.lines = s.lines[:s.row+1]
			s.lines[s.row] = s.lines[s.row][:min(s.col, len(s.lines[s.row]))]
		}
	case 'm':
		s.style = ""
		if n, err := strconv.Atoi(argument); err == nil && n != 0 {
			s.style = "s" + argument
		}
	}
}

// html returns the last lines as a page.
func (s *screen) html(rows int) string {
	var b strings.Builder
	b.WriteString(`<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #14171a; color: #d5d9dd; font: 13.5px/1.5 "JetBrains Mono", "Liberation Mono", monospace; }
pre { margin: 0; padding: 18px 22px; font: inherit; font-variant-ligatures: none; display: inline-block; }
.s1 { font-weight: 700; color: #fff } .s2 { color: #7f8891 } .s31 { color: #e57f78 } .s32 { color: #63bd94 }
.s33 { color: #d9a34e } .s35 { color: #b39bdc } .s36 { color: #78b6d3 } .s7 { background: #d5d9dd; color: #14171a }
</style><pre>`)
	for _, line := range s.lines[max(0, len(s.lines)-rows):] {
		for i := 0; i < len(line); {
			from := i
			for i < len(line) && line[i].style == line[from].style {
				i++
			}
			var text strings.Builder
			for _, c := range line[from:i] {
				text.WriteRune(c.char)
			}
			fmt.Fprintf(&b, `<span class="%s">%s</span>`, line[from].style, html.EscapeString(text.String()))
		}
		b.WriteByte('\n')
	}
	return b.String() + "</pre>"
}

func TestTheScreenShowsWhatATerminalWould(t *testing.T) {
	t.Parallel()
	var s screen
	s.write("\x1b[1mhead\x1b[0m\r\n\x1b[7mstatus one\x1b[0m\r\x1b[J\x1b[32m✓ \x1b[0ma<b\r\n\x1b[7mstatus\x1b[0m")
	got := s.html(10)
	want := `<pre><span class="s1">head</span>` + "\n" + `<span class="s32">✓ </span><span class="">a&lt;b</span>` + "\n" + `<span class="s7">status</span>` + "\n</pre>"
	if !strings.HasSuffix(got, want) {
		t.Errorf("%s", got)
	}
}

// terminalPicture draws the last lines of a terminal's output.
func terminalPicture(t *testing.T, output, path string, rows int) {
	t.Helper()
	var s screen
	s.write(output)
	page := filepath.Join(t.TempDir(), "terminal.html")
	if err := os.WriteFile(page, []byte(s.html(rows)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newTab(t, size{"terminal", 1040, 600, false}, "dark", "file://"+page)
	b.crop("pre", path)
}
