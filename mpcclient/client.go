package mpcclient

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config configures a [Client]. Endpoint, ProjectID and Auth are required.
type Config struct {
	// Endpoint is MPC's base URL, e.g. https://mpc.cn-north-4.myhuaweicloud.com; see
	// [Endpoint].
	Endpoint string
	// AllowInsecure permits plain http to another machine. Defaults to false: credentials
	// would go in clear text.
	AllowInsecure bool
	// ProjectID is the project in the path of every call.
	ProjectID string
	// Auth is the way to authenticate.
	Auth Auth
	// Timeout bounds one request: waiting for a token, connecting, sending, and reading the
	// whole answer. Defaults to 10 seconds.
	Timeout time.Duration
	// CallTimeout bounds a call, which may consist of two requests, with a renewal of the
	// token and BeforeRequest in between. Defaults to three times Timeout.
	CallTimeout time.Duration
	// MaxConns is how many connections are kept open between calls: as many as there are
	// concurrent calls, or each burst opens new ones. Defaults to 64.
	MaxConns int
	// Roots returns the authorities that may sign the server's certificate. It is called
	// for each request; a new pool applies to new connections. The system's authorities are
	// used if Roots is nil or returns nil.
	Roots func() *x509.CertPool
	// UserAgent defaults to "remux-retrier".
	UserAgent string
	// BeforeRequest is called before every additional request of a call (the repeat after a
	// renewed token), so that a caller can count it against a quota and wait. If it fails
	// the request is not sent. Defaults to nothing.
	BeforeRequest func(context.Context) error
	// Now is the clock for signatures and tokens. Defaults to time.Now.
	Now func() time.Time
	// Transport replaces the connections, in tests. If it is not an *http.Transport, every
	// failed retry may have been sent and counts as Lost. Defaults to HTTP/1.1 with TLS 1.2
	// or later, through the environment's proxy.
	Transport http.RoundTripper
}

// Client calls the remux API. It is safe for concurrent use.
type Client struct {
	retry, query  *http.Request // common parts; never changed
	projectID     string
	auth          Auth
	secrets       redactor // auth's, and the proxy's
	renewer       renewer  // auth, if it can renew its credentials; else nil
	timeout       time.Duration
	callTimeout   time.Duration
	beforeRequest func(context.Context) error
	now           func() time.Time
	conns         *connReuse
}

// New returns a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	endpoint, err := parseEndpoint(cfg.Endpoint, cfg.AllowInsecure)
	if err != nil {
		return nil, fmt.Errorf("the MPC endpoint %w", err)
	}
	if cfg.ProjectID == "" || strings.ContainsFunc(cfg.ProjectID, notInProjectID) {
		return nil, errors.New("the MPC project id must consist of letters, digits, hyphens and underscores")
	}
	if cfg.Auth == nil {
		return nil, errors.New("a way to authenticate is required")
	}
	if err := cfg.Auth.check(); err != nil {
		return nil, err
	}
	if cfg.Timeout < 0 || cfg.CallTimeout < 0 || cfg.MaxConns < 0 {
		return nil, errors.New("the timeouts and the number of connections must not be negative")
	}
	remux, err := url.Parse(endpoint.JoinPath("v1", cfg.ProjectID, "remux").String()) // JoinPath alone may omit the first slash
	if err != nil {
		return nil, errors.New("the MPC endpoint is not valid")
	}
	agent := cmp.Or(cfg.UserAgent, defaultUserAgent)
	c := &Client{
		retry:         template(http.MethodPut, remux, agent),
		query:         template(http.MethodGet, remux, agent),
		projectID:     cfg.ProjectID,
		auth:          cfg.Auth,
		timeout:       cmp.Or(cfg.Timeout, defaultTimeout),
		callTimeout:   cmp.Or(cfg.CallTimeout, 3*cmp.Or(cfg.Timeout, defaultTimeout)),
		beforeRequest: cfg.BeforeRequest,
		now:           cfg.Now,
	}
	c.renewer, _ = cfg.Auth.(renewer)
	if c.beforeRequest == nil {
		c.beforeRequest = func(context.Context) error { return nil }
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.conns = newConnReuse(cfg.Transport, cmp.Or(cfg.MaxConns, defaultMaxConns), cfg.Roots)
	c.secrets = redactors{c.auth, proxyPassword(c.conns.kept, remux)}
	return c, nil
}

const (
	defaultTimeout   = 10 * time.Second
	defaultMaxConns  = 64
	defaultUserAgent = "remux-retrier"
)

func notInProjectID(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_'
}

// CloseIdle closes unused connections, so that the next request resolves the host name
// again. Call it when MPC does not serve. A lost answer does it automatically.
func (c *Client) CloseIdle() { closeIdle(c.conns.kept) }

// Close closes idle connections and ends a token renewal in the background. Later calls may
// fail.
func (c *Client) Close() {
	if c.renewer != nil {
		c.renewer.close()
	}
	c.CloseIdle()
}
