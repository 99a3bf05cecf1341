package mpcclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// metadata is the metadata service of ECS and CCE nodes ("Obtaining ECS Details Using
// Metadata").
type metadata struct {
	endpoint  *url.URL
	timeout   time.Duration
	now       func() time.Time
	transport *http.Transport
}

const (
	metadataEndpoint = "http://169.254.169.254" // link-local: plain http never leaves the node
	metadataName     = "metadata service"

	headerMetadataTTL   = "X-Metadata-Token-Ttl-Seconds"
	headerMetadataToken = "X-Metadata-Token"

	keysRenewBefore = 40 * time.Minute // like the vendor's SDK

	adviceNoMetadata = "does this run on an ECS or CCE node, and may it reach 169.254.169.254 (firewall, network policy)?"
	adviceNoAgency   = "the node has no agency that gives it keys: create one for ECS in IAM with " +
		PermissionRetry + " and " + PermissionQuery + ", and choose it in the node's settings"
)

func newMetadata(cfg AgencyConfig) (*metadata, error) {
	endpoint, err := parseEndpoint(cmp.Or(cfg.Endpoint, metadataEndpoint), cfg.Endpoint == "")
	if err != nil {
		return nil, fmt.Errorf("the metadata service's address %w", err)
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("the timeout of the metadata service must not be negative")
	}
	m := &metadata{endpoint: endpoint, timeout: cmp.Or(cfg.Timeout, defaultTimeout), now: cfg.Now, transport: newTransport(1)}
	m.transport.Proxy = nil // a proxy would get the keys of its own node
	m.transport.DisableKeepAlives = true
	if m.now == nil {
		m.now = time.Now
	}
	return m, nil
}

// fetch gets temporary keys. It ends within the timeout.
func (m *metadata) fetch(ctx context.Context, _ string) (token, *Error) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	started := m.now()
	session, failure := m.session(ctx)
	if failure != nil {
		return token{}, failure
	}
	a, failure := m.ask(ctx, http.MethodGet, "openstack/latest/securitykey", headerMetadataToken, session)
	if failure == nil && a.status != http.StatusOK {
		failure = m.refused(a)
	}
	if failure != nil {
		return token{}, failure
	}
	var wire struct {
		Credential struct {
			Access        string    `json:"access"`
			Secret        string    `json:"secret"`
			SecurityToken string    `json:"securitytoken"`
			ExpiresAt     time.Time `json:"expires_at"`
		} `json:"credential"`
	}
	found := &wire.Credential
	err := a.decode(&wire)
	keys := AKSK(found.Access, found.Secret, found.SecurityToken).(akskAuth)
	if err != nil || keys.check() != nil || found.SecurityToken == "" || found.ExpiresAt.IsZero() {
		// The answer is not shown: it may contain keys.
		return token{}, &Error{
			Operation: OperationLogin, from: metadataName, Class: Operator, Status: a.status,
			Err: errors.New("the answer holds no temporary keys"), Advice: adviceNoMetadata, Headline: headlines[adviceNoMetadata],
		}
	}
	life := max(found.ExpiresAt.Sub(theirNow(a.header, started)), minLife)
	return token{
		value: keys.security, keys: keys,
		renewAt: started.Add(life - min(keysRenewBefore, life/2)), expires: started.Add(life),
	}, nil
}

// session gets the token that the service requires; older hosts have none.
func (m *metadata) session(ctx context.Context) (secret, *Error) {
	a, failure := m.ask(ctx, http.MethodPut, "meta-data/latest/api/token", headerMetadataTTL, newSecret("21600"))
	switch {
	case failure != nil:
		return secret{}, failure
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed:
		return newSecret(""), nil
	}
	session := newSecret(strings.TrimSpace(string(a.body)))
	if a.status != http.StatusOK || checkHeaderValue("the session", session) != nil {
		return secret{}, m.refused(a)
	}
	return session, nil
}

func (m *metadata) ask(ctx context.Context, method, path, header string, value secret) (answer, *Error) {
	r, err := http.NewRequestWithContext(ctx, method, m.endpoint.JoinPath(path).String(), nil)
	if err == nil {
		if value.reveal() != "" {
			r.Header[header] = value.header()
		}
		r.Header["Accept-Encoding"] = []string{"identity"}
		var a answer
		if a, err = exchange(m.transport, r, maxBody); err == nil {
			return a, nil
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", m.timeout, err)
	}
	return answer{}, &Error{
		Operation: OperationLogin, from: metadataName, Class: Transient,
		Err: unquoted(err, value), Advice: adviceNoMetadata, Headline: headlines[adviceNoMetadata],
	}
}

// refused judges an answer without keys. Nothing of its text is shown: it may contain keys
// that are not known yet, whatever its status.
func (m *metadata) refused(a answer) *Error {
	e := &Error{Operation: OperationLogin, from: metadataName, Status: a.status, RetryAfter: retryAfter(a.header, m.now())}
	switch {
	case a.status == http.StatusTooManyRequests:
		e.Class = Throttled
	case a.status == http.StatusRequestTimeout, a.status >= 500:
		e.Class = Transient
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.status == http.StatusNotFound:
		e.Class, e.Advice = Operator, adviceNoAgency
	default:
		e.Class, e.Advice = Operator, adviceNoMetadata
	}
	e.Headline = headline("", e.Advice)
	return e
}
