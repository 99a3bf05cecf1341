package notice

import (
	"errors"
	"sync"

	"github.com/sirupsen/logrus"
)

// Cause is an error that many operations meet at once, such as a broker that cannot be
// reached.
type Cause interface {
	error
	// Cause says what is wrong, independent of the operation. certain is false if the next
	// attempt may show more: after a connection broke, whether a new one can be opened.
	Cause() (text string, certain bool)
}

// Shared logs a cause once, however many operations fail because of it, and logs its end
// when no operation meets it any more. It is safe for concurrent use.
type Shared struct {
	log          logrus.FieldLogger
	begins, over string

	mu     sync.Mutex
	met    map[*Notice]int // how often in a row each has met a cause
	logged map[string]bool // causes, since the first was met
}

// attempts is how often an operation must meet an uncertain cause before it is logged.
const attempts = 3

// NewShared returns a Shared that logs begins followed by the cause, and over at the end.
func NewShared(log logrus.FieldLogger, begins, over string) *Shared {
	return &Shared{log: log, begins: begins, over: over, met: map[*Notice]int{}, logged: map[string]bool{}}
}

// New returns the notice of one operation.
func (s *Shared) New(log logrus.FieldLogger) *Notice { return &Notice{log: log, shared: s} }

// Failed notes that an operation fails. If the error has a shared Cause, only the cause is
// logged, once.
func (n *Notice) Failed(doing string, err error) {
	text := doing + ": " + err.Error()
	var cause Cause
	if n.shared == nil || !errors.As(err, &cause) {
		n.Problem(text)
		return
	}
	n.mu.Lock()
	n.text, n.same = ownPort.ReplaceAllString(text, "->"), ""
	n.mu.Unlock()
	n.shared.meets(n, cause)
}

func (s *Shared) meets(n *Notice, cause Cause) {
	text, certain := cause.Cause()
	same := changing.ReplaceAllString(text, "…")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met[n]++
	if s.logged[same] || !certain && s.met[n] < attempts {
		return
	}
	s.logged[same] = true
	s.log.Warn(s.begins + ownPort.ReplaceAllString(text, "->"))
}

// recovered: the operation does not meet a cause any more. s may be nil.
func (s *Shared) recovered(n *Notice) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.met[n] == 0 {
		return
	}
	delete(s.met, n)
	if len(s.met) == 0 && len(s.logged) > 0 {
		clear(s.logged)
		s.log.Info(s.over)
	}
}
