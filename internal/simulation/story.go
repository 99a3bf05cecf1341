package simulation

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
)

var background = context.Background()

// story is what happened, in sentences. Without a writer nothing is written, and nothing
// else changes: it draws no random numbers and takes no time.
type story struct{ out io.Writer }

// tell adds a line of the world.
func (w *world) tell(format string, args ...any) { w.line("", format, args...) }

// tell adds a line of the instance.
func (i *instance) tell(format string, args ...any) { i.w.line(i.name, format, args...) }

func (w *world) line(who, format string, args ...any) {
	if w.story.out != nil {
		fmt.Fprintf(w.story.out, "%9.3fs  %-4s %s\n", w.s.now.Seconds(), who, fmt.Sprintf(format, args...))
	}
}

// logger adds the service's own log lines to the story.
func (i *instance) logger() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.SetLevel(logrus.PanicLevel)
	if i.w.story.out != nil {
		log.SetLevel(logrus.DebugLevel)
		log.SetFormatter(noFormat{})
		log.AddHook(logHook{i})
	}
	return log
}

// noFormat saves work: the hook has written the line already.
type noFormat struct{}

func (noFormat) Format(*logrus.Entry) ([]byte, error) { return nil, nil }

type logHook struct{ i *instance }

func (logHook) Levels() []logrus.Level { return logrus.AllLevels }

func (h logHook) Fire(e *logrus.Entry) error {
	if h.i.proc.dead {
		return nil // its unwinding may look like a panic of the service
	}
	var fields []string
	for name, value := range e.Data {
		fields = append(fields, fmt.Sprintf("%s=%v", name, value))
	}
	slices.Sort(fields)
	h.i.tell("  log: %s %s", e.Message, strings.Join(fields, " "))
	return nil
}
