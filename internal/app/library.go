package app

import (
	"bytes"
	stdlog "log"
	"regexp"

	"github.com/sirupsen/logrus"
)

// libraryLog takes what the standard library logs by itself, such as an answer
// that nobody asked for, into the service's log.
type libraryLog struct{ say logrus.FieldLogger }

// hearLibrary is for the whole process, as the standard library's log is.
func hearLibrary(log logrus.FieldLogger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(libraryLog{log})
}

var quotation = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// Write takes a line. What it quotes is left out: it is what a server sent, and a
// server may send a credential back.
func (l libraryLog) Write(line []byte) (int, error) {
	l.say.Warn("Go's library: " + string(quotation.ReplaceAll(bytes.TrimSpace(line), []byte(`"…"`))))
	return len(line), nil
}
