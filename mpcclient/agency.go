package mpcclient

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// AgencyConfig configures [Agency]. Every field may be left out.
type AgencyConfig struct {
	// Timeout bounds one fetch of keys, however many callers wait for it. Defaults to 10
	// seconds.
	Timeout time.Duration
	// Now is the clock for the age of keys and the time between fetches. Defaults to
	// time.Now.
	Now func() time.Time
	// Endpoint replaces the metadata service, in tests.
	Endpoint string
}

// agencyAuth uses temporary keys from the node's metadata service.
type agencyAuth struct {
	*renewing
	metadata *metadata
}

// Agency authenticates with the temporary keys of the agency of an ECS or CCE node. It
// fetches them from the metadata service at the first call, and new ones 40 minutes before
// they expire (or at half their lifetime, if that is shorter). One fetch at a time serves
// all callers.
//
// While the metadata service does not answer, the keys are used until they expire; then
// every call fails as [Transient]. If the node has no agency, every call fails as
// [Operator]. After a failed fetch it pauses for a second, doubling up to 30 seconds.
func Agency(cfg AgencyConfig) (Auth, error) {
	m, err := newMetadata(cfg)
	if err != nil {
		return nil, err
	}
	return &agencyAuth{newRenewing(m.fetch, m.now, headerSecurityToken, "keys from the metadata service"), m}, nil
}

func (*agencyAuth) check() error { return nil }

func (a *agencyAuth) authorize(ctx context.Context, r *http.Request, p payload) error {
	t, err := a.token(ctx)
	if err != nil {
		return err
	}
	return t.keys.authorize(ctx, r, p)
}

func (a *agencyAuth) close() {
	a.renewing.close()
	closeIdle(a.metadata.transport)
}

func (*agencyAuth) refusal() string {
	return "the API rejects the temporary keys of this node's agency: check the agency's permissions, and that they apply to the project of MPC_PROJECT_ID"
}

func (*agencyAuth) renewal() string { return "check the permissions of this node's agency" }

func (a *agencyAuth) redact(text string) string { return a.redactTokens(text) }

func (*agencyAuth) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("ECS agency")) }
