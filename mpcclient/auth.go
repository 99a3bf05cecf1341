package mpcclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Auth is one of the four ways to authenticate: [Token], [AKSK], [Password], [Agency]. A
// [Client] owns its Auth: closing the client closes it.
type Auth interface {
	// check rejects credentials that cannot work, before the first call.
	check() error
	// authorize adds the credentials to an otherwise complete request.
	authorize(ctx context.Context, r *http.Request, p payload) error
	// refusal is the advice for an operator when the API rejects the credentials.
	refusal() string
	// renewal says in a few words what the operator must do then.
	renewal() string
	redactor
}

// payload is what signing needs in addition to the request.
type payload struct {
	projectID string
	body      []byte
	now       time.Time
}

// renewer is an Auth whose credentials expire and which can fetch new ones.
type renewer interface {
	// renew replaces the credentials that r was rejected with, unless they were replaced
	// since.
	renew(ctx context.Context, r *http.Request) error
	// accepted notes that the API accepted the credentials of r.
	accepted(r *http.Request)
	// close ends background work and waits for it.
	close()
}

const headerToken = "X-Auth-Token"

type tokenAuth struct{ token secret }

// Token authenticates with a user token that the caller replaces in time: it is valid for
// 24 hours.
func Token(token string) Auth { return tokenAuth{newSecret(token)} }

// TokenFrom is Token for a token that changes: the function is called for each request.
func TokenFrom(token func() string) Auth { return tokenAuth{secretOf(token)} }

func (a tokenAuth) check() error { return checkHeaderValue("the user token", a.token) }

func (a tokenAuth) authorize(_ context.Context, r *http.Request, _ payload) error {
	r.Header[headerToken] = a.token.header()
	return nil
}

func (tokenAuth) refusal() string {
	return "the user token (MPC_AUTH_TOKEN) has expired or is not valid here: set a new one (a changed MPC_AUTH_TOKEN_FILE is read without a restart)"
}

func (tokenAuth) renewal() string { return "renew MPC_AUTH_TOKEN" }

func (a tokenAuth) redact(text string) string { return a.token.redact(text) }
func (tokenAuth) Format(f fmt.State, _ rune)  { _, _ = f.Write([]byte("user token")) }

// checkHeaderValue rejects what net/http would reject later, at every call: usually a
// copied line end.
func checkHeaderValue(name string, s secret) error {
	switch v := s.reveal(); {
	case v == "":
		return errors.New(name + " is empty")
	case strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return errors.New(name + " contains white space, a control character or a non-ASCII character: copy it again")
	}
	return nil
}
