package sandbox

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// The columns' widths, in characters; with the topic's name 120 in all.
const (
	timeWidth  = 10
	eventWidth = 20
	taskWidth  = 11
	wayWidth   = 36
	whyWidth   = 18
)

const clockLayout = "15:04:05.0"

type colour string

const (
	noColour colour = ""
	bold     colour = "\x1b[1m"
	dim      colour = "\x1b[2m"
	red      colour = "\x1b[31m"
	green    colour = "\x1b[32m"
	yellow   colour = "\x1b[33m"
	magenta  colour = "\x1b[35m"
)

// colours are the answers'.
var colours = map[kind]colour{retried: green, retryFailed: yellow, deadLetter: magenta, ignored: dim}

// paper is what is written for people: one line, or a few, at a time.
type paper struct {
	mu    sync.Mutex
	w     io.Writer
	plain bool // no colours
}

// newPaper uses colours on a terminal, unless NO_COLOR is set (no-color.org) or
// the terminal knows none.
func newPaper(w io.Writer) *paper {
	p := &paper{w: w, plain: true}
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

func (p *paper) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, text) // there is nowhere to tell that nobody can read it
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

func (p *paper) head() {
	p.write(p.paint(dim, strings.TrimRight(columns("  ", "TIME", "EVENT", "TASK", "WHAT HAPPENED", "ANSWER", "ON TOPIC"), " ")) + "\n")
}

func (p *paper) row(r row) {
	mark, markColour := "✓ ", green
	if len(r.complaints) > 0 {
		mark, markColour = "✗ ", red
	}
	lines := wrap(r.way, wayWidth)
	var b strings.Builder
	b.WriteString(p.paint(markColour, mark))
	b.WriteString(p.paint(dim, pad(r.at.Format(clockLayout), timeWidth)+"  "))
	b.WriteString(pad(r.event, eventWidth) + "  " + pad(elide(r.task), taskWidth) + "  " + pad(lines[0], wayWidth) + "  ")
	b.WriteString(p.paint(colours[r.kind], pad(r.why, whyWidth)) + " " + p.paint(dim, r.where) + "\n")
	for _, line := range lines[1:] {
		b.WriteString(columns("  ", "", "", "", line, "", ""))
		b.WriteString("\n")
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

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// elide shows a long task id by its two ends.
func elide(id string) string {
	runes := []rune(id)
	if len(runes) <= taskWidth {
		return id
	}
	return string(runes[:4]) + "…" + string(runes[len(runes)-6:])
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
