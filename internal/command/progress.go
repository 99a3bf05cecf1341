package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// How often progress is shown: often on a terminal, seldom in a pipe, where the log must
// stay short.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 20
)

// progress shows how far a command is: as a bar on a terminal, as lines elsewhere.
type progress struct {
	err      io.Writer
	terminal *os.File // for the bar; nil: lines
	began    time.Time
	next     time.Time // when it is shown again
	done     int64
	total    int64
	text     string
	drawn    bool // the terminal's current line has a bar
}

func newProgress(env Env) *progress {
	p := &progress{err: env.Stderr, terminal: env.terminal, began: time.Now()}
	if p.terminal == nil {
		p.next = p.began.Add(lineEvery)
	}
	return p
}

// set sets how much is done, and shows it unless it was shown a moment ago.
func (p *progress) set(done, total int64, text string) {
	p.done, p.total, p.text = done, total, text
	now := time.Now()
	switch {
	case now.Before(p.next):
	case p.terminal != nil:
		p.next = now.Add(barEvery)
		p.draw()
	default:
		p.next = now.Add(lineEvery)
		fmt.Fprintln(p.err, text)
	}
}

// end draws the last state of the bar and goes to the next line.
func (p *progress) end() {
	if p.terminal != nil && p.text != "" {
		p.draw()
		fmt.Fprintln(p.terminal)
		p.drawn, p.text = false, ""
	}
}

func (p *progress) draw() {
	fmt.Fprint(p.terminal, "\r\x1b[K"+fit(bar(p.done, p.total)+" "+p.text, p.terminal))
	p.drawn = true
}

// clear removes the bar, so that a line can be printed.
func (p *progress) clear() {
	if p.drawn {
		fmt.Fprint(p.terminal, "\r\x1b[K")
		p.drawn = false
	}
}

// fit cuts a line to the terminal's width: a line that wraps cannot be overwritten.
func fit(line string, f *os.File) string {
	width, _, err := term.GetSize(int(f.Fd()))
	if runes := []rune(line); err == nil && width > 0 && len(runes) >= width {
		return string(runes[:width-1])
	}
	return line
}

// bar returns a bar that shows how much of total is done.
func bar(done, total int64) string {
	full := barWidth
	if total > 0 {
		full = int(done * barWidth / total)
	}
	percent := int64(100)
	if total > 0 {
		percent = done * 100 / total
	}
	return fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("█", full), strings.Repeat("·", barWidth-full), percent)
}
