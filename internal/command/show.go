package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"remux-retrier/consumer"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/redrive"
)

// How often progress is shown: on a terminal so that it looks alive, in a pipe so
// that a log stays short.
const (
	barEvery  = 100 * time.Millisecond
	lineEvery = 5 * time.Second
	barWidth  = 20
)

// show tells of a redrive: each record that is left or would be put back on
// standard output, and how it goes on standard error, as a bar on a terminal and
// as a line now and then elsewhere.
type show struct {
	out, err io.Writer
	dry, bar bool
	terminal *os.File // for the bar
	began    time.Time
	next     time.Time // of showing progress
	last     redrive.Totals
	drawn    bool // a bar stands in the terminal's current line
	trouble  string
}

func newShow(env Env, dry bool) *show {
	s := &show{out: env.Stdout, err: env.Stderr, dry: dry, bar: env.terminal != nil, terminal: env.terminal, began: time.Now()}
	if !s.bar {
		s.next = s.began.Add(lineEvery)
	}
	return s
}

// fit cuts a line to the terminal's width, since one that wraps cannot be drawn
// over.
func fit(line string, f *os.File) string {
	width, _, err := term.GetSize(int(f.Fd()))
	if runes := []rune(line); err == nil && width > 0 && len(runes) >= width {
		return string(runes[:width-1])
	}
	return line
}

func (s *show) Selected(r *consumer.Record) {
	if s.dry {
		s.clear()
		fmt.Fprintf(s.out, "would put back %s, %s\n", place(r), reasonOf(r))
	}
}

func (s *show) Left(r *consumer.Record, why string) {
	s.clear()
	fmt.Fprintf(s.out, "left %s: %s\n", place(r), plain.Text(why))
}

func (s *show) Problem(text string) {
	if text == s.trouble {
		return
	}
	s.trouble = text
	s.clear()
	if text == "" {
		fmt.Fprintln(s.err, "it goes on")
	} else {
		fmt.Fprintln(s.err, "waiting: "+text)
	}
}

func (s *show) Progress(t redrive.Totals) {
	s.last = t
	now := time.Now()
	if now.Before(s.next) {
		return
	}
	if s.bar {
		s.next = now.Add(barEvery)
		s.draw()
		return
	}
	s.next = now.Add(lineEvery)
	fmt.Fprintln(s.err, s.text())
}

// end leaves the last state of the bar standing.
func (s *show) end() {
	if s.bar {
		s.draw()
		fmt.Fprintln(s.terminal)
		s.drawn = false
	}
}

func (s *show) draw() {
	fmt.Fprint(s.terminal, "\r\x1b[K"+fit(bar(s.last.Read, s.last.Of)+" "+s.text(), s.terminal))
	s.drawn = true
}

// clear makes room for a line of its own.
func (s *show) clear() {
	if s.drawn {
		fmt.Fprint(s.terminal, "\r\x1b[K")
		s.drawn = false
	}
}

func (s *show) text() string {
	rate := float64(s.last.Redriven) / max(time.Since(s.began).Seconds(), 0.001)
	return fmt.Sprintf("%d of %d read, %d put back (%.0f/s), %d left", s.last.Read, s.last.Of, s.last.Redriven, rate, s.last.Left)
}

// bar draws a part of a whole.
func bar(n, of int64) string {
	full := barWidth
	if of > 0 {
		full = int(n * barWidth / of)
	}
	percent := int64(100)
	if of > 0 {
		percent = n * 100 / of
	}
	return fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("█", full), strings.Repeat("·", barWidth-full), percent)
}
