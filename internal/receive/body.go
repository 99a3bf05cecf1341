package receive

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	// maxBody is more than SMN sends: a message of 256 KB, with its quotes escaped.
	maxBody = 1 << 20
	// maxHeld bounds all bodies together. Reading, checking and publishing a body takes
	// about five times its size.
	maxHeld = 16 << 20
	// usualRoom is enough for a usual message, mediumRoom for a long one.
	usualRoom, mediumRoom = 8 << 10, 64 << 10
)

// SMN sends nothing that is too large or compressed. The statuses differ from 403, so
// that a person who tries it by hand sees the cause.
var (
	errTooLarge = &refusal{"too_large", fmt.Sprintf("it has more than %d bytes", maxBody)}
	errEncoded  = &refusal{"encoding", "its body is compressed"}
)

// bodies bounds the memory of all requests' bodies together, however slowly they arrive.
// A body takes room as its bytes arrive, not as Content-Length announces them.
type bodies struct {
	mu   sync.Mutex
	held int
}

// available is how much all bodies may hold when one of them grows to this room. Larger
// bodies leave a part to smaller ones, so that senders that stop in the middle of large
// bodies do not keep out usual messages. The last quarter is enough for a usual message
// on each of the 512 connections.
func available(room int) int {
	switch {
	case room <= usualRoom:
		return maxHeld
	case room <= mediumRoom:
		return maxHeld / 4 * 3
	}
	return maxHeld / 2
}

// grow lets a body that has taken some room take this much, if it is available.
func (b *bodies) grow(taken, room int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+room-taken > available(room) {
		return false
	}
	b.held += room - taken
	return true
}

func (b *bodies) release(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
}

// read reads a request's body. The caller calls done when it no longer needs the body,
// also after an error. The error is a *refusal or a *trouble.
func (b *bodies) read(r *http.Request) (body []byte, done func(), err error) {
	switch {
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		return nil, func() {}, errEncoded
	case r.ContentLength > maxBody:
		discard(r.Body)
		return nil, func() {}, errTooLarge
	}
	taken := 0
	done = func() { b.release(taken) }
	for {
		if len(body) == cap(body) {
			room := min(max(usualRoom, 2*cap(body)), maxBody+1)
			if !b.grow(taken, room) {
				return nil, done, &trouble{"busy", "too many messages are held at once"}
			}
			taken = room
			body = append(make([]byte, 0, room), body...)
		}
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxBody:
			discard(r.Body)
			return nil, done, errTooLarge
		case errors.Is(err, io.EOF):
			return body, done, nil
		case err != nil:
			return nil, done, &trouble{"body", "its body did not arrive: " + err.Error()}
		}
	}
}

// discard reads more of a body than is used: a client that is cut off while it still
// sends may not see the answer.
func discard(body io.Reader) { _, _ = io.CopyN(io.Discard, body, 8*maxBody) }
