package mpcclient

import (
	"context"
	"fmt"
	"net/http"
)

// passwordAuth is a user token that is fetched from IAM.
type passwordAuth struct {
	*renewing
	iam *iam
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
	a := &passwordAuth{newRenewing(i.login, i.now, headerToken, "a user token from IAM"), i}
	a.password = func() string { return i.password.reveal() }
	return a, nil
}

func (*passwordAuth) check() error { return nil }

func (a *passwordAuth) authorize(ctx context.Context, r *http.Request, _ payload) error {
	t, err := a.token(ctx)
	if err != nil {
		return err
	}
	r.Header[headerToken] = t.value.header()
	return nil
}

func (a *passwordAuth) close() {
	a.renewing.close()
	closeIdle(a.iam.transport)
}

func (*passwordAuth) refusal() string {
	return "the API refuses user tokens of this IAM user: check that IAM_PROJECT is the project of MPC_PROJECT_ID, and the user's permissions"
}

func (*passwordAuth) renewal() string { return "check IAM_PROJECT and the user's permissions" }

func (a *passwordAuth) blank(text string) string { return a.blankTokens(a.iam.blank(text)) }

func (*passwordAuth) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("IAM password")) }
