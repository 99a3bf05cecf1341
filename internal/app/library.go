package app

import (
	"bytes"
	stdlog "log"
	"regexp"

	"github.com/sirupsen/logrus"
)

// libraryLog writes the standard library's own log lines, for example about an unexpected
// response, to the service's log.
type libraryLog struct{ log logrus.FieldLogger }

// captureLibraryLog applies to the whole process, like the standard library's log.
func captureLibraryLog(log logrus.FieldLogger) {
	stdlog.SetFlags(0)
	stdlog.SetOutput(libraryLog{log})
}

var quotation = regexp.MustCompile(`"(\\.|[^"\\])*"`)

// Write logs a line without its quotations: they come from a server, which may send back a
// credential.
func (l libraryLog) Write(line []byte) (int, error) {
	l.log.Warn("Go standard library: " + string(quotation.ReplaceAll(bytes.TrimSpace(line), []byte(`"…"`))))
	return len(line), nil
}
