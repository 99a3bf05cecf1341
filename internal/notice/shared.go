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
	// Cause says what is wrong, whatever the operation. It is not certain where the
	// next attempt may say more: a connection that breaks, before none can be opened.
	Cause() (text string, certain bool)
}

// Shared says such a cause once, however many operations fail because of it, and that
// it is over when none does any more. Safe for concurrent use.
type Shared struct {
	log          logrus.FieldLogger
	begins, over string

	mu   sync.Mutex
	met  map[*Notice]int // how often in a row each has met a cause
	said map[string]bool // causes, since the first was met
}

// attempts is how often an operation meets a cause before it is said though it is not
// certain.
const attempts = 3

// NewShared makes a Shared that logs begins with the cause behind it, and over.
func NewShared(log logrus.FieldLogger, begins, over string) *Shared {
	return &Shared{log: log, begins: begins, over: over, met: map[*Notice]int{}, said: map[string]bool{}}
}

// New makes the notice of one operation.
func (s *Shared) New(log logrus.FieldLogger) *Notice { return &Notice{log: log, shared: s} }

// Failed says that an operation fails. Where the error has a shared Cause, that alone
// is said, once.
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
	if s.said[same] || !certain && s.met[n] < attempts {
		return
	}
	s.said[same] = true
	s.log.Warn(s.begins + ownPort.ReplaceAllString(text, "->"))
}

// leaves: the operation does not meet a cause any more. s may be nil.
func (s *Shared) leaves(n *Notice) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.met[n] == 0 {
		return
	}
	delete(s.met, n)
	if len(s.met) == 0 && len(s.said) > 0 {
		clear(s.said)
		s.log.Info(s.over)
	}
}
