package mpcclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
)

// sendTracker proves that a request cannot have been executed: it never got a connection.
//
// This relies on net/http's HTTP/1 transport:
//   - It calls GotConn before it writes a request. It writes nothing after its call has
//     returned without a connection: a connection that is dialled too late serves other
//     requests.
//   - It asks for another connection, and calls GetConn, only if it wrote not a single byte
//     of the request to a reused one. (It repeats written requests only for GET, HEAD and
//     similar methods, if their body can be read again.)
//
// The body is a bytes.Reader: with any other reader the transport writes headers and body
// separately.
type sendTracker struct {
	trace   httptrace.ClientTrace
	started bool
}

// track returns a context for the request.
func (s *sendTracker) track(ctx context.Context) context.Context {
	s.trace.GetConn = func(string) { s.started = false }
	s.trace.GotConn = func(httptrace.GotConnInfo) { s.started = true }
	return httptrace.WithClientTrace(ctx, &s.trace)
}

// setBody sets a body that may be sent again if nothing of it was sent. Without a body it
// sets an empty one that cannot be read again: otherwise the transport would repeat a query
// by itself.
func setBody(r *http.Request, body []byte) {
	again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = again()
	if r.ContentLength = int64(len(body)); body != nil {
		r.GetBody = again
	}
}
