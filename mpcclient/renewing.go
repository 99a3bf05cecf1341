package mpcclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Pauses between logins. A wrong password causes long pauses, because IAM locks the account
// after a few attempts.
const (
	firstPause, longestPause         = time.Second, 30 * time.Second
	firstLongPause, longestLongPause = 5 * time.Minute, time.Hour
)

// renewing keeps expiring credentials valid: a user token or temporary keys.
//
// One login runs at a time, in a goroutine that no caller's context ends. mu guards all
// fields below it and is never held while waiting. Callers with a valid token never wait:
// the token is renewed in the background when it is due.
type renewing struct {
	fetch  func(ctx context.Context, password string) (token, *Error)
	now    func() time.Time
	header string // header with the credentials of a request
	what   string // describes the credentials
	// password returns the login's password; a repeated 401 with it locks the account. nil:
	// there is none.
	password func() string
	ctx      context.Context // ends with close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	current *token
	retired *token // the previous one; answers to requests made with it may still quote it
	attempt *loginAttempt

	// After failed logins: the last failure, when the next login is due, and how many
	// failures of each kind in a row.
	failure                 *Error
	nextLogin               time.Time
	failures, wrongPassword int
	refused                 secret // the password of the last rejected login

	// Tokens fetched because the API rejected the previous one, since the API last accepted
	// one; and when the next fetch is due. A token that never worked does not justify a
	// renewal at every call.
	unproven    int
	nextRenewal time.Time
}

// loginAttempt is a login that callers may wait for. Its results are set before done is
// closed.
type loginAttempt struct {
	done    chan struct{}
	token   token
	failure *Error
}

// newRenewing fetches nothing yet.
func newRenewing(fetch func(context.Context, string) (token, *Error), now func() time.Time, header, what string) *renewing {
	ctx, cancel := context.WithCancel(context.Background())
	return &renewing{fetch: fetch, now: now, header: header, what: what, ctx: ctx, cancel: cancel}
}

// token returns a valid token. It waits for a login only if there is none.
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
	if paused && a.attempt == nil {
		e := *a.failure
		e.RetryAfter = a.nextLogin.Sub(now)
		a.mu.Unlock()
		return token{}, &e
	}
	attempt := a.login()
	a.mu.Unlock()
	if attempt == nil {
		return token{}, errors.New("the client is closed")
	}

	select {
	case <-attempt.done:
	case <-ctx.Done():
		return token{}, fmt.Errorf("waiting for %s: %w", a.what, ctx.Err())
	}
	if attempt.failure != nil {
		e := *attempt.failure // each caller gets its own
		return token{}, &e
	}
	return attempt.token, nil
}

// login starts a login or joins the running one. mu is held. It returns nil after close.
func (a *renewing) login() *loginAttempt {
	if a.closed {
		return nil
	}
	if a.attempt == nil {
		a.attempt = &loginAttempt{done: make(chan struct{})}
		a.running.Add(1)
		go a.runLogin(a.attempt)
	}
	return a.attempt
}

func (a *renewing) runLogin(attempt *loginAttempt) {
	defer a.running.Done()
	defer close(attempt.done)
	var password string
	if a.password != nil {
		password = a.password()
	}
	t, failure := a.fetch(a.ctx, password)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempt = nil
	if failure == nil {
		if a.current != nil {
			a.retired = a.current
		}
		attempt.token, a.current = t, &t
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
	attempt.failure, a.failure, a.nextLogin = failure, failure, a.now().Add(failure.RetryAfter)
}

// doubled returns the pause after n earlier ones.
func doubled(first, longest time.Duration, n int) time.Duration {
	for ; n > 0 && first < longest; n-- {
		first *= 2
	}
	return min(first, longest)
}

// errRenewedJustNow: the API rejects the new credentials too. Newer ones would not help;
// the next call reports whether the API accepts these by then.
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

func (a *renewing) accepted(r *http.Request) {
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

// redactTokens redacts the current token and the one before.
func (a *renewing) redactTokens(text string) string {
	a.mu.Lock()
	current, retired := a.current, a.retired
	a.mu.Unlock()
	for _, t := range []*token{current, retired} {
		if t != nil {
			text = t.redact(text)
		}
	}
	return text
}
