package mpcclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Pauses between logins. A wrong password pauses for long, because IAM locks the account after a few.
const (
	firstPause, longestPause         = time.Second, 30 * time.Second
	firstLongPause, longestLongPause = 5 * time.Minute, time.Hour
)

// renewing keeps credentials fresh that expire: a user token, or temporary keys.
//
// One login runs at a time, in a goroutine of its own that no caller's context ends; mu guards all fields below it and is
// never held while waiting. Callers with a valid token never wait: it is renewed in the background when its
// time to be renewed has come.
type renewing struct {
	fetch  func(ctx context.Context, password string) (token, *Error)
	now    func() time.Time
	header string // tells which credentials a request was made with
	what   string // the credentials, in words
	// password is what is logged in with, by which a 401 locks the account if repeated; nil: there is none.
	password func() string
	ctx      context.Context // ends with close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	current *token
	retired *token // the one before; answers to requests made with it may still quote it
	flight  *flight

	// After failed logins: the last failure, when the next one is due, and how many of each kind in a row.
	failure                 *Error
	nextLogin               time.Time
	failures, wrongPassword int
	refused                 secret // the password of the last login that was refused

	// Tokens fetched because the API refused the one before, since the API last accepted one; and when the next may be.
	// A token that never worked does not earn a renewal at every call.
	unproven    int
	nextRenewal time.Time
}

// flight is a login that callers may wait for. Its results are set before done is closed.
type flight struct {
	done    chan struct{}
	token   token
	failure *Error
}

// newRenewing fetches nothing yet.
func newRenewing(fetch func(context.Context, string) (token, *Error), now func() time.Time, header, what string) *renewing {
	ctx, cancel := context.WithCancel(context.Background())
	return &renewing{fetch: fetch, now: now, header: header, what: what, ctx: ctx, cancel: cancel}
}

// token gives a valid token, waiting for a login only if there is none.
func (a *renewing) token(ctx context.Context) (token, error) {
	if err := ctx.Err(); err != nil {
		return token{}, err
	}
	now := a.now()
	a.mu.Lock()
	if a.wrongPassword > 0 && a.password() != a.refused.reveal() {
		a.wrongPassword, a.nextLogin = 0, time.Time{}
	}
	paused := now.Before(a.nextLogin)
	if a.current != nil && now.Before(a.current.expires) {
		t := *a.current
		if !paused && !now.Before(t.renewAt) {
			a.login()
		}
		a.mu.Unlock()
		return t, nil
	}
	if paused && a.flight == nil {
		e := *a.failure
		e.RetryAfter = a.nextLogin.Sub(now)
		a.mu.Unlock()
		return token{}, &e
	}
	f := a.login()
	a.mu.Unlock()
	if f == nil {
		return token{}, errors.New("the client is closed")
	}

	select {
	case <-f.done:
	case <-ctx.Done():
		return token{}, fmt.Errorf("waiting for %s: %w", a.what, ctx.Err())
	}
	if f.failure != nil {
		e := *f.failure // each caller its own
		return token{}, &e
	}
	return f.token, nil
}

// login starts a login, or joins the one under way. mu is held. Nil after close.
func (a *renewing) login() *flight {
	if a.closed {
		return nil
	}
	if a.flight == nil {
		a.flight = &flight{done: make(chan struct{})}
		a.running.Add(1)
		go a.fly(a.flight)
	}
	return a.flight
}

func (a *renewing) fly(f *flight) {
	defer a.running.Done()
	defer close(f.done)
	var password string
	if a.password != nil {
		password = a.password()
	}
	t, failure := a.fetch(a.ctx, password)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flight = nil
	if failure == nil {
		if a.current != nil {
			a.retired = a.current
		}
		f.token, a.current = t, &t
		a.failure, a.failures, a.wrongPassword, a.nextLogin = nil, 0, 0, time.Time{}
		return
	}
	var pause time.Duration
	if a.password != nil && failure.Status == http.StatusUnauthorized {
		pause = doubled(firstLongPause, longestLongPause, a.wrongPassword)
		a.wrongPassword++
		a.refused = newSecret(password)
	} else {
		pause = doubled(firstPause, longestPause, a.failures)
		a.failures++
	}
	failure.RetryAfter = max(failure.RetryAfter, pause)
	f.failure, a.failure, a.nextLogin = failure, failure, a.now().Add(failure.RetryAfter)
}

// doubled gives the pause after n earlier ones.
func doubled(first, longest time.Duration, n int) time.Duration {
	for ; n > 0 && first < longest; n-- {
		first *= 2
	}
	return min(first, longest)
}

// errRenewedJustNow: the API refuses the new credentials too. Newer ones would not help; whether the API takes these by
// now, the next call will tell.
var errRenewedJustNow = errors.New("the credentials have just been renewed")

func (a *renewing) renew(ctx context.Context, r *http.Request) error {
	now := a.now()
	a.mu.Lock()
	if a.current != nil && a.current.value.reveal() == r.Header.Get(a.header) {
		if now.Before(a.nextRenewal) {
			a.mu.Unlock()
			return errRenewedJustNow
		}
		a.retired, a.current = a.current, nil
		a.nextRenewal = now.Add(doubled(firstPause, longestPause, a.unproven))
		a.unproven++
	}
	a.mu.Unlock()
	_, err := a.token(ctx)
	return err
}

func (a *renewing) proven(r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unproven > 0 && a.current != nil && a.current.value.reveal() == r.Header.Get(a.header) {
		a.unproven, a.nextRenewal = 0, time.Time{}
	}
}

func (a *renewing) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.running.Wait()
}

// blankTokens blanks the token in use and the one before it.
func (a *renewing) blankTokens(text string) string {
	a.mu.Lock()
	current, retired := a.current, a.retired
	a.mu.Unlock()
	for _, t := range []*token{current, retired} {
		if t != nil {
			text = t.blank(text)
		}
	}
	return text
}
