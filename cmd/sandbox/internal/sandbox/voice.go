package sandbox

import (
	"regexp"
	"strconv"
	"strings"
)

// logLine is a line of the service's log: level, message, fields.
var logLine = regexp.MustCompile(`^time="[^"]*" level=(\w+) msg=("(?:[^"\\]|\\.)*"|\S+)(.*)`)

// remark is what a line of the service's log says to those who watch; empty:
// nothing. What is about one event (it has fields) its line tells already.
func remark(line string) string {
	m := logLine.FindStringSubmatch(line)
	if m == nil {
		return ""
	}
	level, message, fields := m[1], m[2], m[3]
	if strings.Contains(fields, " offset=") || level == "info" && fields != "" {
		return ""
	}
	if text, err := strconv.Unquote(message); err == nil {
		message = text
	}
	return message
}

// voice repeats the service's remarks among the events' lines.
func (s *sandbox) voice(line []byte) {
	if text := remark(string(line)); text != "" {
		s.paper.wrapped(cyan, "  service says: ", text)
	}
}
