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

// The columns' widths, in characters; with the topic's name 120 in all. Where there is
// less room, what happened and the topic go to lines of their own.
const (
	timeWidth  = 10
	eventWidth = 20
	taskWidth  = 9
	wayWidth   = 34
	whyWidth   = 18

	wide   = 120
	narrow = 80 // the least that is counted with
)

// clockLayout is a time of this machine; where the line has no heading above it, its
// offset from UTC belongs to it.
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

// colours are the answers'.
var colours = map[kind]colour{retried: green, retryFailed: yellow, deadLetter: magenta, ignored: dim}

// paper is what is written for people: one line, or a few, at a time. On a raw
// terminal a status line stays below them.
//
// mu guards everything below it, and the order of what is written.
type paper struct {
	w       io.Writer
	plain   bool       // no colours
	columns func() int // how many there are at the moment

	mu     sync.Mutex
	raw    bool   // the terminal takes a line feed for just that
	bottom string // the status line, which the cursor is at the end of
	drawn  int    // its length as it was written last
}

// newPaper uses colours on a terminal, unless NO_COLOR is set (no-color.org) or
// the terminal knows none.
func newPaper(w io.Writer) *paper {
	p := &paper{w: w, plain: true, columns: func() int { return wide }}
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return p
	}
	info, err := file.Stat()
	p.plain = err != nil || info.Mode()&os.ModeCharDevice == 0
	return p
}

// say writes text in the colour.
func (p *paper) say(c colour, format string, args ...any) {
	p.write(p.paint(c, fmt.Sprintf(format, args...)) + "\n")
}

// wrapped writes a text in as many lines as it needs, under each other, behind what
// leads to it.
func (p *paper) wrapped(c colour, lead, text string) {
	indent := utf8.RuneCountInString(lead)
	lines := wrap([]string{text}, p.width()-indent)
	p.say(c, "%s", lead+strings.Join(lines, "\n"+pad("", indent)))
}

func (p *paper) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(p.w, text)
}

// width is what lines may take: no less than narrow.
func (p *paper) width() int { return max(narrow, p.columns()) }

// erase goes back to the beginning of the status line and clears it.
const erase = "\r\x1b[J"

// put writes above the status line.
func (p *paper) put(w io.Writer, text string) {
	if p.raw {
		text = p.up() + erase + strings.ReplaceAll(text, "\n", "\r\n") + p.bottom
	}
	_, _ = io.WriteString(w, text) // there is nowhere to tell that nobody can read it
}

// up goes to the status line's first row: a terminal that became narrower has broken it
// into several.
func (p *paper) up() string {
	if rows := (p.drawn - 1) / max(1, p.columns()); rows > 0 {
		return fmt.Sprintf("\x1b[%dA", rows)
	}
	return ""
}

// setRaw says whether the terminal is raw. The status line goes with that.
func (p *paper) setRaw(raw bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bottom = ""
	if p.raw {
		p.put(p.w, "")
	}
	p.raw, p.drawn = raw, 0
}

// status draws the status line: as much of it as the width has room for.
func (p *paper) status(parts []string, width int) {
	line := []rune(" " + strings.Join(append(parts, "? keys"), " │ "))
	// The last column stays free: a full line would scroll.
	line = line[:min(len(line), max(0, width-1))]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bottom = p.paint(reverse, pad(string(line), width-1))
	p.put(p.w, "")
	p.drawn = max(0, width-1)
}

// aside is another stream to the same terminal, such as the log's.
func (p *paper) aside(w io.Writer) io.Writer { return aside{p, w} }

type aside struct {
	*paper
	to io.Writer
}

func (a aside) Write(text []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put(a.to, string(text))
	return len(text), nil
}

func (p *paper) paint(c colour, text string) string {
	if p.plain || c == noColour || text == "" {
		return text
	}
	return string(c) + text + "\x1b[0m"
}

// row is an event's way to its answer.
type row struct {
	at          time.Time
	event, task string
	way         []string // what happened, step by step
	why, where  string   // the answer's reason and topic
	kind        kind
	complaints  []string
}

func (p *paper) head(now time.Time) {
	at := "TIME" + now.Format(offsetLayout)
	line := columns("  ", at, "EVENT", "TASK", "WHAT HAPPENED", "ANSWER", "ON TOPIC")
	if p.width() < wide {
		line = narrowColumns("  ", at, "EVENT", "TASK", "ANSWER") + "\n" + pad("", narrowIndent) + "WHAT HAPPENED, ON TOPIC"
	}
	p.write(p.paint(dim, line) + "\n")
}

func (p *paper) row(r row) {
	mark, markColour := "✓ ", green
	if len(r.complaints) > 0 {
		mark, markColour = "✗ ", red
	}
	var b strings.Builder
	b.WriteString(p.paint(markColour, mark))
	b.WriteString(p.paint(dim, pad(r.at.Format(clockLayout), timeWidth)+"  "))
	b.WriteString(pad(r.event, eventWidth) + "  " + pad(elide(r.task), taskWidth) + "  ")
	if width := p.width(); width < wide {
		b.WriteString(p.paint(colours[r.kind], r.why) + "\n")
		way := append(slices.Clone(r.way), r.where)
		for _, line := range wrap(way, width-narrowIndent) {
			b.WriteString(pad("", narrowIndent) + p.paint(dim, line) + "\n")
		}
	} else {
		lines := wrap(r.way, wayWidth)
		b.WriteString(pad(lines[0], wayWidth) + "  " + p.paint(colours[r.kind], pad(r.why, whyWidth)) + " " + p.paint(dim, r.where) + "\n")
		for _, line := range lines[1:] {
			b.WriteString(columns("  ", "", "", "", line, "", "") + "\n")
		}
	}
	for _, complaint := range r.complaints {
		b.WriteString(p.paint(red, "  ✗ "+complaint) + "\n")
	}
	p.write(b.String())
}

// columns lays out a line without colours, without blanks at its end.
func columns(mark, at, event, task, way, why, where string) string {
	return strings.TrimRight(mark+pad(at, timeWidth)+"  "+pad(event, eventWidth)+"  "+pad(task, taskWidth)+"  "+
		pad(way, wayWidth)+"  "+pad(why, whyWidth)+" "+where, " ")
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

// elide shows a long task id by its two ends.
func elide(id string) string {
	runes := []rune(id)
	if len(runes) <= taskWidth {
		return id
	}
	return string(runes[:3]) + "…" + string(runes[len(runes)-5:])
}

// wrap lays the items out in lines of at most width characters, and breaks an
// item only if it is longer than that. There is at least one line.
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
