package mpcclient

import (
	"context"
	"fmt"
	"net/http"
)

// passwordAuth uses a user token from IAM.
type passwordAuth struct {
	*renewing
	iam *iam
}

// Password authenticates with a user token that it fetches from IAM at the first call and
// renews in time. One login at a time serves all callers.
//
// After a 401 from IAM every call without a valid token fails at once as [Operator], without
// asking IAM: for 5 minutes, doubling up to an hour. After other failures it pauses for a
// second, doubling up to 30 seconds. [Error.RetryAfter] is the rest of the pause. A token
// that the API rejects is renewed at once. If the API rejects the new one too, renewals
// pause for a second, doubling up to 30 seconds.
func Password(cfg PasswordConfig, password string) (Auth, error) {
	return PasswordFrom(cfg, func() string { return password })
}

// PasswordFrom is Password for a password that changes: the function is called for each
// login. A new password is tried at once, whatever pause the old one has caused.
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
	return "the API rejects user tokens of this IAM user: check that IAM_PROJECT is the project of MPC_PROJECT_ID, and the user's permissions"
}

func (*passwordAuth) renewal() string { return "check IAM_PROJECT and the user's permissions" }

func (a *passwordAuth) redact(text string) string { return a.redactTokens(a.iam.redact(text)) }

func (*passwordAuth) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("IAM password")) }
