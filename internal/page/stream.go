package page

import (
	"net/http"
	"time"
)

const (
	// maxStreams bounds the pages that are open at once.
	maxStreams = 500
	// readWithin is how long a reader may leave what was sent to it unread: beyond
	// the socket's buffers, nothing is kept for it.
	readWithin = 5 * time.Second
)

// stream sends the documents as server-sent events: all of them at first, so
// that a page that comes back after a restart needs no memory of what it has
// seen, and no Last-Event-ID; then each that changes.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	if p.streams.Add(1) > maxStreams {
		p.streams.Add(-1)
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "too many pages are open: close some, or ask for /api/status now and then")
		return
	}
	defer p.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would collect some events before it passes them on
	if r.Method == http.MethodHead {
		return
	}
	connection := http.NewResponseController(w)
	send := func(frame []byte) bool {
		// The server's own time-out is for answers that have an end.
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
		present, changed := p.board.look()
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
