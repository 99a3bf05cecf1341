package mpcclient

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
)

type akskAuth struct{ access, secret, security secret }

// AKSK authenticates by signing each request with an access key and its secret key.
// securityToken belongs to temporary keys and is empty for permanent ones.
func AKSK(access, secretKey, securityToken string) Auth {
	return akskAuth{newSecret(access), newSecret(secretKey), newSecret(securityToken)}
}

// AKSKFrom is AKSK for keys that change: the functions are called for each request.
func AKSKFrom(access, secretKey, securityToken func() string) Auth {
	return akskAuth{secretOf(access), secretOf(secretKey), secretOf(securityToken)}
}

func (a akskAuth) check() error {
	var security error
	if a.security.reveal() != "" {
		security = checkHeaderValue("the security token", a.security)
	}
	return cmp.Or(
		checkHeaderValue("the access key", a.access),
		checkHeaderValue("the secret key", a.secret),
		security,
	)
}

func (a akskAuth) authorize(_ context.Context, r *http.Request, p payload) error {
	project := []string{p.projectID}
	r.Header[headerProject] = project
	if a.security.reveal() != "" {
		r.Header[headerSecurityToken] = a.security.header()
	}
	sign(r, p.body, a.access, a.secret, p.now)
	// The reference prints an underscore where the SDK sends a hyphen. Proxies may drop the
	// name with the underscore, so it is sent in addition, unsigned, under a key that
	// net/http does not canonicalise.
	r.Header["X-Project_Id"] = project
	return nil
}

func (a akskAuth) refusal() string {
	if a.security.reveal() != "" {
		return "check MPC_ACCESS_KEY, MPC_SECRET_KEY and MPC_SECURITY_TOKEN: temporary keys expire, and all three belong together"
	}
	return "check that MPC_ACCESS_KEY and MPC_SECRET_KEY belong together and that the key is enabled"
}

func (a akskAuth) renewal() string {
	if a.security.reveal() != "" {
		return "renew MPC_ACCESS_KEY, MPC_SECRET_KEY and MPC_SECURITY_TOKEN"
	}
	return "check MPC_ACCESS_KEY and MPC_SECRET_KEY"
}

func (a akskAuth) redact(text string) string {
	return a.security.redact(a.secret.redact(a.access.redact(text)))
}

func (akskAuth) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("AK/SK")) }
