package mpcclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
)

// sending proves that a request cannot have been executed: it never got a connection to be written to.
//
// What this relies on, of net/http's HTTP/1 transport:
//   - It calls GotConn before it writes a request, and writes none after its call has returned without a connection: one
//     that is dialled too late serves other requests.
//   - It asks for another connection, and says so by GetConn, only if it wrote not a single byte of the request to a
//     reused one. (It replays what it has written for GET, HEAD and the like alone, if their body can be had again.)
//
// The body is a bytes.Reader: of any other reader the transport writes the headers and the body apart.
type sending struct {
	trace httptrace.ClientTrace
	begun bool
}

// follow gives the context for the request.
func (s *sending) follow(ctx context.Context) context.Context {
	s.trace.GetConn = func(string) { s.begun = false }
	s.trace.GotConn = func(httptrace.GotConnInfo) { s.begun = true }
	return httptrace.WithClientTrace(ctx, &s.trace)
}

// setBody gives the request a body that may be sent once more if nothing of it was. Where there is none it is an empty
// one that cannot be had again, or the transport would repeat a query by itself.
func setBody(r *http.Request, body []byte) {
	again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = again()
	if r.ContentLength = int64(len(body)); body != nil {
		r.GetBody = again
	}
}
