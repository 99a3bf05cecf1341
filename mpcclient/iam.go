package mpcclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// PasswordConfig configures [Password]. Endpoint, Domain, Username and one of Project and
// ProjectID are required.
type PasswordConfig struct {
	// Endpoint is IAM's base URL; see [IAMEndpoint].
	Endpoint string
	// AllowInsecure permits plain http to another machine. Defaults to false.
	AllowInsecure bool
	// Domain is the account's name, Username that of an IAM user in it.
	Domain, Username string
	// Project is the name of the token's project, usually the region's. ProjectID is its
	// id, used if Project is empty.
	Project, ProjectID string
	// Timeout bounds one login, however many callers wait for it. Defaults to 10 seconds.
	Timeout time.Duration
	// Roots is like Config.Roots.
	Roots func() *x509.CertPool
	// UserAgent defaults to "remux-retrier".
	UserAgent string
	// Now is the clock for the token's age and the time between logins. Defaults to
	// time.Now.
	Now func() time.Time
	// Transport replaces the connections, in tests. Defaults to one like the Client's.
	Transport http.RoundTripper
}

// iam logs in: POST /v3/auth/tokens ("Obtaining a User Token Through Password
// Authentication").
type iam struct {
	url       string
	cfg       PasswordConfig
	password  secret
	proxy     secret // the proxy's password
	timeout   time.Duration
	userAgent string
	now       func() time.Time
	transport http.RoundTripper
}

func newIAM(cfg PasswordConfig, password secret) (*iam, error) {
	endpoint, err := parseEndpoint(cfg.Endpoint, cfg.AllowInsecure)
	if err != nil {
		return nil, fmt.Errorf("the IAM endpoint %w", err)
	}
	if cfg.Domain == "" || cfg.Username == "" || password.reveal() == "" || cmp.Or(cfg.Project, cfg.ProjectID) == "" {
		return nil, errors.New("an IAM login needs the account's domain, the user's name, its password and the project")
	}
	if cfg.Timeout < 0 {
		return nil, errors.New("the timeout of an IAM login must not be negative")
	}
	endpoint = endpoint.JoinPath("v3", "auth", "tokens")
	endpoint.RawQuery = url.Values{"nocatalog": {"true"}}.Encode() // the catalog would be tens of kilobytes
	i := &iam{
		url:       endpoint.String(),
		cfg:       cfg,
		password:  password,
		timeout:   cmp.Or(cfg.Timeout, defaultTimeout),
		userAgent: cmp.Or(cfg.UserAgent, defaultUserAgent),
		now:       cfg.Now,
		transport: cfg.Transport,
	}
	if i.now == nil {
		i.now = time.Now
	}
	if i.transport == nil {
		i.transport = newReloadingTransport(cfg.Roots, func() *http.Transport { return newTransport(1) })
	}
	i.proxy = proxyPassword(i.transport, endpoint)
	return i, nil
}

func (i *iam) redact(text string) string { return i.proxy.redact(i.password.redact(text)) }

func loginBody(cfg PasswordConfig, password string) any {
	type m = map[string]any
	project := m{"name": cfg.Project}
	if cfg.Project == "" {
		project = m{"id": cfg.ProjectID}
	}
	return m{"auth": m{
		"identity": m{
			"methods": []string{"password"},
			"password": m{"user": m{
				"domain": m{"name": cfg.Domain}, "name": cfg.Username, "password": password,
			}},
		},
		"scope": m{"project": project},
	}}
}

// token is a user token, or the security token of temporary keys, with its lifetime by this
// machine's clock.
type token struct {
	value   secret
	keys    akskAuth // with a security token
	renewAt time.Time
	expires time.Time
}

// redact redacts the token, or the keys that it belongs to.
func (t *token) redact(text string) string {
	if t.keys.security.value != nil {
		return t.keys.redact(text)
	}
	return t.value.redact(text)
}

const (
	renewBefore = 30 * time.Minute
	// A token whose lifetime is unknown, or over on arrival, is used for a while
	// nevertheless: the API rejects it soon enough, and a login for every call would be
	// worse.
	unknownLife = time.Hour
	minLife     = time.Minute
)

// login fetches a token. It ends within the timeout.
func (i *iam) login(ctx context.Context, password string) (token, *Error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	started := i.now()
	body, err := json.Marshal(loginBody(i.cfg, password))
	if err != nil {
		return token{}, &Error{Operation: OperationLogin, Class: Operator, Err: errors.New("an IAM login must be text")}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, bytes.NewReader(body))
	if err != nil {
		return token{}, &Error{Operation: OperationLogin, Class: Transient, Err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("User-Agent", i.userAgent)
	a, err := exchange(i.transport, r, maxList) // the token may have many roles
	if a.status/100 != 2 {
		closeIdle(i.transport) // the next login resolves the name again
	}
	if a.status == 0 {
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %s: %w", i.timeout, err)
		}
		return token{}, &Error{Operation: OperationLogin, Class: Transient, Err: unquoted(err, i), Advice: networkAdvice(err)}
	}
	// The token is in the header. If the body cannot be read, only the token's exact
	// lifetime is unknown.
	value := newSecret(a.header.Get("X-Subject-Token"))
	if a.status/100 != 2 || checkHeaderValue("the token", value) != nil {
		return token{}, i.judge(a)
	}
	life := tokenLife(a, started)
	return token{
		value:   value,
		renewAt: started.Add(life - min(renewBefore, life/2)),
		expires: started.Add(life),
	}, nil
}

// tokenLife takes both ends of the lifetime from IAM's clock.
func tokenLife(a answer, now time.Time) time.Duration {
	var wire struct {
		Token struct {
			ExpiresAt time.Time `json:"expires_at"`
		} `json:"token"`
	}
	if a.decode(&wire) != nil || wire.Token.ExpiresAt.IsZero() {
		return unknownLife
	}
	return max(wire.Token.ExpiresAt.Sub(theirNow(a.header, now)), minLife)
}

func (i *iam) judge(a answer) *Error {
	const check = "check IAM_DOMAIN, IAM_USERNAME, IAM_PASSWORD and IAM_PROJECT"
	e := readError(a, i)
	// Another server that answers may quote the login, and a token may be in the wrong
	// place.
	e.Message = clean(iamMessage(a), i)
	e.Operation, e.RetryAfter = OperationLogin, retryAfter(a.header, i.now())
	switch {
	case a.status == http.StatusUnauthorized:
		e.Class, e.Advice = Operator, check+": wrong passwords lock the account, so the next login waits for a long pause, a changed IAM_PASSWORD_FILE, or a restart"
		e.Headline = "IAM rejects our login: check IAM_USERNAME and IAM_PASSWORD"
	case a.status == http.StatusTooManyRequests:
		e.Class = Throttled
	case a.status == http.StatusRequestTimeout, a.status == http.StatusTooEarly, a.status >= 500:
		e.Class = Transient
	case a.status/100 == 4 && (e.Code != "" || e.Message != ""):
		e.Class, e.Advice, e.Headline = Operator, check, "IAM rejects our login: "+check
	default:
		e.Class, e.Advice = Operator, "this is not an answer of IAM: check IAM_ENDPOINT and any proxy or firewall in between"
		e.Headline = "Something other than IAM answers: check IAM_ENDPOINT"
	}
	return e
}
