package page

import (
	"fmt"
	"sync"
)

// The documents of the page, in the order in which a stream sends them.
const (
	statusDoc = iota
	hourDoc
	latestDoc
	changesDoc
	documents
)

var eventNames = [documents]string{"status", "history", "latest", "changes"}

// document is one JSON text, encoded once for all clients.
type document struct {
	version uint64
	body    []byte // for a GET
	frame   []byte // the same as a server-sent event
}

// cache holds the current documents. A stream keeps only the versions that it has sent: a
// slow client misses some versions and delays no other client.
type cache struct {
	mu      sync.Mutex
	present [documents]document
	changed chan struct{} // closed when a document changes
}

func newCache() *cache { return &cache{changed: make(chan struct{})} }

// put replaces a document.
func (c *cache) put(doc int, content any) error {
	body, err := marshal(content)
	if err != nil {
		return fmt.Errorf("write the %s as JSON: %w", eventNames[doc], err)
	}
	// JSON contains no raw line feeds, so it is one data line.
	frame := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", eventNames[doc], body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present[doc] = document{c.present[doc].version + 1, append(body, '\n'), frame}
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// get returns the current documents, and a channel that is closed when one changes.
func (c *cache) get() ([documents]document, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.present, c.changed
}
