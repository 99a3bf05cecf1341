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

// passwordAuth keeps a user token fresh.
//
// One login runs at a time, in a goroutine of its own that no caller's context ends; mu guards all fields below it and is
// never held while waiting. Callers with a valid token never wait: it is renewed in the background half an hour before
// it expires, or at half its life if that is shorter.
type passwordAuth struct {
	iam     *iam
	ctx     context.Context // ends with close
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	current *token
	retired secret // the token before; answers to requests made with it may still quote it
	flight  *flight

	// After failed logins: the last failure, when the next one is due, and how many of each kind in a row.
	failure                 *Error
	nextLogin               time.Time
	failures, wrongPassword int
	refused                 string // the password of the last login that IAM refused

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

// Password authenticates by a user token that it fetches from IAM at the first call and keeps fresh, with one login at a
// time for all callers.
//
// After a 401 from IAM every call fails at once, as [Operator], without asking IAM: for 5 minutes, doubling up to an hour.
// After other failures it pauses for a second, doubling up to 30 seconds. [Error.RetryAfter] is the rest of the pause.
// A token that the API refuses is renewed at once; if it refuses the new one too, at the same growing distance.
func Password(cfg PasswordConfig, password string) (Auth, error) {
	return PasswordFrom(cfg, func() string { return password })
}

// PasswordFrom is Password for a password that changes: it is asked for at each login, and a new one is tried at once,
// whatever pause the one before has brought.
func PasswordFrom(cfg PasswordConfig, password func() string) (Auth, error) {
	i, err := newIAM(cfg, secretOf(password))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &passwordAuth{iam: i, ctx: ctx, cancel: cancel}, nil
}

func (*passwordAuth) check() error { return nil }

func (a *passwordAuth) authorize(ctx context.Context, r *http.Request, _ payload) error {
	t, err := a.token(ctx)
	if err != nil {
		return err
	}
	r.Header.Set(headerToken, t.value.reveal())
	return nil
}

// token gives a valid token, waiting for a login only if there is none.
func (a *passwordAuth) token(ctx context.Context) (token, error) {
	if err := ctx.Err(); err != nil {
		return token{}, err
	}
	now := a.iam.now()
	a.mu.Lock()
	if a.wrongPassword > 0 && a.iam.password.reveal() != a.refused {
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
		return token{}, fmt.Errorf("waiting for a user token from IAM: %w", ctx.Err())
	}
	if f.failure != nil {
		e := *f.failure // each caller its own
		return token{}, &e
	}
	return f.token, nil
}

// login starts a login, or joins the one under way. mu is held. Nil after close.
func (a *passwordAuth) login() *flight {
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

func (a *passwordAuth) fly(f *flight) {
	defer a.running.Done()
	defer close(f.done)
	password := a.iam.password.reveal()
	t, failure := a.iam.login(a.ctx, password)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flight = nil
	if failure == nil {
		if a.current != nil {
			a.retired = a.current.value
		}
		f.token, a.current = t, &t
		a.failure, a.failures, a.wrongPassword, a.nextLogin = nil, 0, 0, time.Time{}
		return
	}
	var pause time.Duration
	if failure.Status == http.StatusUnauthorized {
		pause = doubled(firstLongPause, longestLongPause, a.wrongPassword)
		a.wrongPassword++
		a.refused = password
	} else {
		pause = doubled(firstPause, longestPause, a.failures)
		a.failures++
	}
	failure.RetryAfter = max(failure.RetryAfter, pause)
	f.failure, a.failure, a.nextLogin = failure, failure, a.iam.now().Add(failure.RetryAfter)
}

// doubled gives the pause after n earlier ones.
func doubled(first, longest time.Duration, n int) time.Duration {
	for ; n > 0 && first < longest; n-- {
		first *= 2
	}
	return min(first, longest)
}

// errRenewedJustNow: the API refuses the new user token too. Another login would
// not help; whether the API takes this token by now, the next call will tell.
var errRenewedJustNow = errors.New("the user token has just been renewed")

func (a *passwordAuth) renew(ctx context.Context, r *http.Request) error {
	now := a.iam.now()
	a.mu.Lock()
	if a.current != nil && a.current.value.reveal() == r.Header.Get(headerToken) {
		if now.Before(a.nextRenewal) {
			a.mu.Unlock()
			return errRenewedJustNow
		}
		a.retired, a.current = a.current.value, nil
		a.nextRenewal = now.Add(doubled(firstPause, longestPause, a.unproven))
		a.unproven++
	}
	a.mu.Unlock()
	_, err := a.token(ctx)
	return err
}

func (a *passwordAuth) proven(r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.unproven > 0 && a.current != nil && a.current.value.reveal() == r.Header.Get(headerToken) {
		a.unproven, a.nextRenewal = 0, time.Time{}
	}
}

func (a *passwordAuth) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.running.Wait()
	closeIdle(a.iam.transport)
}

func (*passwordAuth) refusal() string {
	return "the API refuses user tokens of this IAM user: check that IAM_PROJECT is the project of MPC_PROJECT_ID, and the user's permissions"
}

func (a *passwordAuth) blank(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil {
		text = a.current.value.blank(text)
	}
	return a.retired.blank(a.iam.password.blank(text))
}

func (*passwordAuth) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("IAM password")) }
