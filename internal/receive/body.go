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
	// maxHeld is for all bodies together. Reading, checking and publishing one takes
	// some five times as much as it has.
	maxHeld = 16 << 20
	// firstRoom is for a usual message.
	firstRoom = 8 << 10
)

// errTooLarge, errEncoded: what SMN never sends. The status is not 403, so that who
// tries it by hand sees why.
var (
	errTooLarge = &refusal{"too_large", fmt.Sprintf("it has more than %d bytes", maxBody)}
	errEncoded  = &refusal{"encoding", "its body is compressed"}
)

// bodies bounds what all requests together hold, however slowly they come: room is
// taken for what has come and not for what is announced.
type bodies struct {
	mu   sync.Mutex
	held int
}

func (b *bodies) take(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > maxHeld {
		return false
	}
	b.held += n
	return true
}

func (b *bodies) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
}

// read reads a request's body. The caller calls done when it needs the body no more.
// The error is a *refusal or a *trouble.
func (b *bodies) read(r *http.Request) (body []byte, done func(), err error) {
	switch {
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		return nil, func() {}, errEncoded
	case r.ContentLength > maxBody:
		discard(r.Body)
		return nil, func() {}, errTooLarge
	}
	taken := 0
	done = func() { b.give(taken) }
	for {
		if len(body) == cap(body) {
			room := min(max(firstRoom, 2*cap(body)), maxBody+1)
			if !b.take(room - taken) {
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
			return nil, done, &trouble{"body", "its body did not come: " + err.Error()}
		}
	}
}

// discard reads some more than will be used: who is cut off while it still sends
// may not see the answer.
func discard(body io.Reader) { _, _ = io.CopyN(io.Discard, body, 8*maxBody) }
