package page

import (
	"fmt"
	"sync"
)

// The documents that the page follows, in the order in which a stream sends
// them.
const (
	statusDoc = iota
	hourDoc
	latestDoc
	changesDoc
	documents
)

var eventNames = [documents]string{"status", "history", "latest", "changes"}

// document is one JSON text, written once for all who ask.
type document struct {
	version uint64
	body    []byte // for a GET
	frame   []byte // the same as a server-sent event
}

// board holds the present documents. Whoever streams them remembers versions and
// no documents: one who reads slowly misses some, and holds nothing up.
type board struct {
	mu      sync.Mutex
	present [documents]document
	changed chan struct{} // closed by the next pin
}

func newBoard() *board { return &board{changed: make(chan struct{})} }

// pin replaces a document.
func (b *board) pin(doc int, content any) error {
	body, err := marshal(content)
	if err != nil {
		return fmt.Errorf("write the %s as JSON: %w", eventNames[doc], err)
	}
	// JSON has no line feeds of its own, so it is one data line.
	frame := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", eventNames[doc], body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.present[doc] = document{b.present[doc].version + 1, append(body, '\n'), frame}
	close(b.changed)
	b.changed = make(chan struct{})
	return nil
}

// look gives the present documents, and what is closed when one changes.
func (b *board) look() ([documents]document, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.present, b.changed
}
