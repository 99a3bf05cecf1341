package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// order of the metrics within a case.
var order = []string{
	perSecond, cpuPerEvent, answerTime, answerTail, startTime, startCPU, coreShare, connections,
	peak, peakBare, objects, allocated, collection, broker, brokerShare, others,
}

// print prints the table of the rows in Markdown, aligned for reading as plain text.
func (b *bench) print(from int) {
	rows := slices.Clone(b.done.rows[from:])
	cases := map[string]int{}
	for i, at := range rows {
		if _, known := cases[at.name]; !known {
			cases[at.name] = i
		}
	}
	slices.SortStableFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(cases[x.name], cases[y.name]), cmp.Compare(slices.Index(order, x.metric), slices.Index(order, y.metric)))
	})
	lines := [][]string{{"case", "metric", service, kafkaGo, franzGo, "÷ kafka-go", "÷ franz-go", "spread %", "aim", ""}}
	last := ""
	for _, at := range rows {
		line := []string{at.name, at.metric}
		if at.name == last {
			line[0] = ""
		}
		last = at.name
		for _, who := range []string{service, kafkaGo, franzGo} {
			line = append(line, number(b.done.values[at][who]))
		}
		for _, than := range []string{kafkaGo, franzGo} {
			line = append(line, number(b.done.over(at, service, than)))
		}
		judged, l := b.judged(at)
		apart := ""
		if len(judged) > 1 {
			apart = strconv.Itoa(int(spread(judged) + 0.5))
		}
		lines = append(lines, append(line, apart, l.aimText(), string(b.verdict(at))))
	}
	fmt.Println("\n" + alignColumns(lines))
}

// alignColumns pads the columns.
func alignColumns(lines [][]string) string {
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	var out strings.Builder
	for n, line := range lines {
		for i, text := range line {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(text))
			if right := i >= 2 && i <= 7; right {
				text = pad + text
			} else {
				text += pad
			}
			out.WriteString("| " + text + " ")
		}
		out.WriteString("|\n")
		if n > 0 {
			continue
		}
		for i, w := range width {
			rule := strings.Repeat("-", w+1)
			if i >= 2 && i <= 7 {
				out.WriteString("|" + rule + ":")
			} else {
				out.WriteString("|-" + rule)
			}
		}
		out.WriteString("|\n")
	}
	return out.String()
}

// number returns the median with a sensible number of digits, empty if there are no
// figures.
func number(figures []float64) string {
	if len(figures) == 0 {
		return ""
	}
	switch v := median(figures); {
	case v >= 100:
		return thousands(int(v + 0.5))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// thousands writes a number as 1,000,000.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
