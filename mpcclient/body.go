package mpcclient

import (
	"errors"
	"io"
	"sync/atomic"
)

// body is a request's body, and proves whether the request can have been executed: without its body a request is
// incomplete, and net/http reads it only while it writes to a connection.
//
// What this relies on, of net/http's HTTP/1 transport:
//   - It reads the body after it has a connection, in a goroutine that may outlive the caller's patience. [body.seal]
//     therefore also forbids any later read; a failed read makes the transport drop the connection.
//   - It calls GetBody only if it wrote not a single byte of the request to a reused connection. It then sends the
//     request again, on another one. (It replays what it has written for GET, HEAD and the like alone, if their body can
//     be had again.)
type body struct {
	data  []byte
	at    int
	state atomic.Int32
}

const (
	bodyUnread = iota
	bodyRead
	bodySealed
)

var errSealed = errors.New("the call has ended before its request was sent")

func (b *body) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(bodyUnread, bodyRead) && b.state.Load() == bodySealed {
		return 0, errSealed
	}
	n := copy(p, b.data[b.at:])
	b.at += n
	if b.at == len(b.data) {
		return n, io.EOF
	}
	return n, nil
}

func (*body) Close() error { return nil }

// again is http.Request.GetBody for a request that may be sent once more if nothing of it was.
func (b *body) again() (io.ReadCloser, error) {
	b.at = 0
	if !b.state.CompareAndSwap(bodyRead, bodyUnread) && b.state.Load() == bodySealed {
		return nil, errSealed
	}
	return b, nil
}

// seal ends the sending. It is true if the request cannot have been sent as a whole, nor will be.
func (b *body) seal() bool {
	return b.state.CompareAndSwap(bodyUnread, bodySealed) || b.state.Load() == bodySealed
}
