package app

import (
	"io"
	"sync"
)

// output is standard output. It keeps the first write error, which callers do not check,
// and writes nothing after it. It is safe for concurrent use.
type output struct {
	mu  sync.Mutex
	to  io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(p)
	o.err = err
	return n, err
}

// failed returns the first write error.
func (o *output) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}
