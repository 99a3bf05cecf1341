package page

import (
	"net/http"
	"time"
)

const (
	// maxStreams bounds how many pages may be open at once.
	maxStreams = 500
	// readWithin is how long a client may take to read what was sent. Beyond the socket's
	// buffers nothing is kept for it.
	readWithin = 5 * time.Second
)

// stream sends the documents as server-sent events: all of them first, so that a page that
// reconnects after a restart needs neither state nor Last-Event-ID; then each one that
// changes.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	if p.streams.Add(1) > maxStreams {
		p.streams.Add(-1)
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "too many pages are open: close some, or ask for /api/status now and then")
		return
	}
	defer p.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // otherwise nginx buffers events
	if r.Method == http.MethodHead {
		return
	}
	connection := http.NewResponseController(w)
	send := func(frame []byte) bool {
		// The server's own timeout is for answers that end.
		if connection.SetWriteDeadline(time.Now().Add(p.readWithin)) != nil {
			return false
		}
		_, err := w.Write(frame)
		return err == nil && connection.Flush() == nil
	}
	if !send([]byte("retry: 2000\n\n")) {
		return
	}
	var sent [documents]uint64
	for {
		present, changed := p.cache.get()
		for i, doc := range present {
			if doc.version != sent[i] && !send(doc.frame) {
				return
			}
			sent[i] = doc.version
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}
