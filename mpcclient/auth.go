package mpcclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Auth is one of the four ways to authenticate: [Token], [AKSK], [Password], [Agency]. A [Client] owns its Auth: closing the one
// closes the other.
type Auth interface {
	// check refuses credentials that cannot work, before the first call.
	check() error
	// authorize adds the credentials to a request that is otherwise complete.
	authorize(ctx context.Context, r *http.Request, p payload) error
	// refusal advises an operator when the API does not accept the credentials.
	refusal() string
	// renewal says in a few words what to do then.
	renewal() string
	blanker
}

// payload is what signing needs beyond the request itself.
type payload struct {
	projectID string
	body      []byte
	now       time.Time
}

// renewer is an Auth whose credentials expire and that can fetch new ones.
type renewer interface {
	// renew replaces the credentials that r was refused with, unless that has happened since.
	renew(ctx context.Context, r *http.Request) error
	// proven notes that the API accepted the credentials of r.
	proven(r *http.Request)
	// close ends what runs in the background, and waits for it.
	close()
}

const headerToken = "X-Auth-Token"

type tokenAuth struct{ token secret }

// Token authenticates by a user token that somebody else keeps fresh. A user token lives for 24 hours.
func Token(token string) Auth { return tokenAuth{newSecret(token)} }

// TokenFrom is Token for a token that changes: it is asked for at each request.
func TokenFrom(token func() string) Auth { return tokenAuth{secretOf(token)} }

func (a tokenAuth) check() error { return checkHeaderValue("the user token", a.token) }

func (a tokenAuth) authorize(_ context.Context, r *http.Request, _ payload) error {
	r.Header[headerToken] = a.token.header()
	return nil
}

func (tokenAuth) refusal() string {
	return "the user token (MPC_AUTH_TOKEN) has expired or is not valid here: set a new one (a new MPC_AUTH_TOKEN_FILE is read by itself)"
}

func (tokenAuth) renewal() string { return "renew MPC_AUTH_TOKEN" }

func (a tokenAuth) blank(text string) string { return a.token.blank(text) }
func (tokenAuth) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("user token")) }

// checkHeaderValue refuses what net/http would refuse later, at every call: most often a line end that was copied too.
func checkHeaderValue(name string, s secret) error {
	switch v := s.reveal(); {
	case v == "":
		return errors.New(name + " is empty")
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New(name + " contains white space, a control character or a non-ASCII character: copy it again")
	}
	return nil
}
