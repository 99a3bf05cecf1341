package sandbox

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Widths of the columns, in characters. With the topic's name a line has 120. On a
// narrower terminal, what happened and the topic are on lines of their own.
const (
	timeWidth     = 10
	eventWidth    = 20
	taskWidth     = 9
	happenedWidth = 34
	reasonWidth   = 18

	wide   = 120
	narrow = 80 // a narrower terminal is treated like one of this width
)

// clockLayout is a time in this machine's zone. The offset from UTC is in the heading; a
// line without a heading uses momentLayout.
const (
	clockLayout  = "15:04:05.0"
	offsetLayout = "-07:00"
	momentLayout = clockLayout + " " + offsetLayout
)

type colour string

const (
	noColour colour = ""
	bold     colour = "\x1b[1m"
	dim      colour = "\x1b[2m"
	red      colour = "\x1b[31m"
	green    colour = "\x1b[32m"
	yellow   colour = "\x1b[33m"
	magenta  colour = "\x1b[35m"
	cyan     colour = "\x1b[36m"
	reverse  colour = "\x1b[7m"
)

// colours of the answers.
var colours = map[kind]colour{retried: green, retryFailed: yellow, deadLetter: magenta, recovered: cyan, ignored: dim}

// printer prints whole lines, in colour if the output is a terminal. On a raw terminal
// it keeps a status line below them.
//
// mu guards the fields below it and the order of the output.
type printer struct {
	w       io.Writer
	plain   bool       // no colours
	columns func() int // the terminal's width now

	mu         sync.Mutex
	raw        bool   // line ends need a carriage return
	statusLine string // the cursor is at its end
	drawn      int    // its length when it was last written
}

// newPrinter prints with colours if w is a terminal, unless NO_COLOR is set
// (no-color.org) or the terminal is dumb.
func newPrinter(w io.Writer) *printer {
	p := &printer{w: w, plain: true, columns: func() int { return wide }}
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return p
	}
	info, err := file.Stat()
	p.plain = err != nil || info.Mode()&os.ModeCharDevice == 0
	return p
}

// print prints a line in the colour.
func (p *printer) print(c colour, format string, args ...any) {
	p.write(p.paint(c, fmt.Sprintf(format, args...)) + "\n")
}

// wrapped prints a text behind its lead, on as many lines as it needs.
func (p *printer) wrapped(c colour, lead, text string) {
	indent := utf8.RuneCountInString(lead)
	lines := wrap([]string{text}, p.width()-indent)
	p.print(c, "%s", lead+strings.Join(lines, "\n"+pad("", indent)))
}

func (p *printer) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(p.w, text)
}

// width is the width of a line, at least narrow.
func (p *printer) width() int { return max(narrow, p.columns()) }

// erase moves the cursor to the beginning of the status line and clears it.
const erase = "\r\x1b[J"

// put writes text above the status line.
func (p *printer) put(w io.Writer, text string) {
	if p.raw {
		text = p.up() + erase + strings.ReplaceAll(text, "\n", "\r\n") + p.statusLine
	}
	_, _ = io.WriteString(w, text) // an error could not be reported anywhere
}

// up moves the cursor to the first row of the status line: a terminal that became
// narrower has broken it into several.
func (p *printer) up() string {
	if rows := (p.drawn - 1) / max(1, p.columns()); rows > 0 {
		return fmt.Sprintf("\x1b[%dA", rows)
	}
	return ""
}

// setRaw tells the printer whether the terminal is raw. It removes the status line.
func (p *printer) setRaw(raw bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statusLine = ""
	if p.raw {
		p.put(p.w, "")
	}
	p.raw, p.drawn = raw, 0
}

// setStatus draws the status line, cut to the terminal's width.
func (p *printer) setStatus(parts []string, width int) {
	line := []rune(" " + strings.Join(append(parts, "? keys"), " │ "))
	// The last column stays empty: a full line would scroll.
	line = line[:min(len(line), max(0, width-1))]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statusLine = p.paint(reverse, pad(string(line), width-1))
	p.put(p.w, "")
	p.drawn = max(0, width-1)
}

// sideWriter returns a writer for w, which is on the same terminal, such as stderr.
func (p *printer) sideWriter(w io.Writer) io.Writer { return sideWriter{p, w} }

type sideWriter struct {
	*printer
	to io.Writer
}

func (a sideWriter) Write(text []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put(a.to, string(text))
	return len(text), nil
}

func (p *printer) paint(c colour, text string) string {
	if p.plain || c == noColour || text == "" {
		return text
	}
	return string(c) + text + "\x1b[0m"
}

// row is the line of an answered event.
type row struct {
	at            time.Time
	event, task   string
	happened      []string // what happened, step by step
	reason, topic string   // the answer's reason and topic
	kind          kind
	problems      []string
}

func (p *printer) printHeader(now time.Time) {
	at := "TIME" + now.Format(offsetLayout)
	line := columns("  ", at, "EVENT", "TASK", "WHAT HAPPENED", "ANSWER", "ON TOPIC")
	if p.width() < wide {
		line = narrowColumns("  ", at, "EVENT", "TASK", "ANSWER") + "\n" + pad("", narrowIndent) + "WHAT HAPPENED, ON TOPIC"
	}
	p.write(p.paint(dim, line) + "\n")
}

func (p *printer) printRow(r row) {
	mark, markColour := "✓ ", green
	if len(r.problems) > 0 {
		mark, markColour = "✗ ", red
	}
	var b strings.Builder
	b.WriteString(p.paint(markColour, mark))
	b.WriteString(p.paint(dim, pad(r.at.Format(clockLayout), timeWidth)+"  "))
	b.WriteString(pad(r.event, eventWidth) + "  " + pad(elide(r.task), taskWidth) + "  ")
	if width := p.width(); width < wide {
		b.WriteString(p.paint(colours[r.kind], r.reason) + "\n")
		words := append(slices.Clone(r.happened), r.topic)
		for _, line := range wrap(words, width-narrowIndent) {
			b.WriteString(pad("", narrowIndent) + p.paint(dim, line) + "\n")
		}
	} else {
		lines := wrap(r.happened, happenedWidth)
		b.WriteString(pad(lines[0], happenedWidth) + "  " + p.paint(colours[r.kind], pad(r.reason, reasonWidth)) + " " + p.paint(dim, r.topic) + "\n")
		for _, line := range lines[1:] {
			b.WriteString(columns("  ", "", "", "", line, "", "") + "\n")
		}
	}
	for _, problem := range r.problems {
		b.WriteString(p.paint(red, "  ✗ "+problem) + "\n")
	}
	p.write(b.String())
}

// columns returns a line without colours and without spaces at its end.
func columns(mark, at, event, task, happened, reason, topic string) string {
	return strings.TrimRight(mark+pad(at, timeWidth)+"  "+pad(event, eventWidth)+"  "+pad(task, taskWidth)+"  "+
		pad(happened, happenedWidth)+"  "+pad(reason, reasonWidth)+" "+topic, " ")
}

// narrowIndent is where a second line begins: under the event.
const narrowIndent = 2 + timeWidth + 2

// narrowColumns lays out the first line where there is no room for all columns.
func narrowColumns(mark, at, event, task, why string) string {
	return mark + pad(at, timeWidth) + "  " + pad(event, eventWidth) + "  " + pad(task, taskWidth) + "  " + why
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// elide shortens a long task id to its two ends.
func elide(id string) string {
	runes := []rune(id)
	if len(runes) <= taskWidth {
		return id
	}
	return string(runes[:3]) + "…" + string(runes[len(runes)-5:])
}

// wrap puts the items into lines of at most width characters. It breaks an item only
// if that is longer than a line. It returns at least one line.
func wrap(items []string, width int) []string {
	lines := []string{""}
	add := func(separator, piece string) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = piece
		case utf8.RuneCountInString(*last+separator+piece) <= width:
			*last += separator + piece
		default:
			*last += strings.TrimRight(separator, " ")
			lines = append(lines, piece)
		}
	}
	for i, item := range items {
		if i < len(items)-1 {
			item += ","
		}
		if utf8.RuneCountInString(item) <= width {
			add(" ", item)
			continue
		}
		for word := range strings.FieldsSeq(item) {
			add(" ", word)
		}
	}
	return lines
}
