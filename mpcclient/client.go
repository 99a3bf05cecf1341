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
	// Endpoint is MPC's base URL, e.g. https://mpc.cn-north-4.myhuaweicloud.com; see [Endpoint].
	Endpoint string
	// AllowInsecure permits plain http to another machine. Defaults to false: credentials would go in clear text.
	AllowInsecure bool
	// ProjectID is the project in the path of every call.
	ProjectID string
	// Auth says how to authenticate.
	Auth Auth
	// Timeout bounds one request: waiting for a token, connecting, sending, and reading the answer to its end.
	// Defaults to 10 seconds.
	Timeout time.Duration
	// MaxConns is the number of connections kept open between calls: as many as there are concurrent calls, or each
	// burst dials anew. Defaults to 64.
	MaxConns int
	// UserAgent defaults to "remux-retrier".
	UserAgent string
	// BeforeRequest is called before every request to MPC beyond a call's first (the repeat after a renewed token), so
	// that a caller who counts requests against a quota can wait for its turn. Its error ends the call, unsent.
	// Defaults to nothing.
	BeforeRequest func(context.Context) error
	// Roots are the authorities that may sign the API's certificate; asked for at each request, a new pool holds for new
	// connections. Where it is nil, or gives nil, the system's.
	Roots func() *x509.CertPool
	// Now is the clock for signatures and tokens. Defaults to time.Now.
	Now func() time.Time
	// Transport replaces the connections, in tests. Of one that is not an *http.Transport every failed retry may have
	// been sent, and counts as Lost. Defaults to HTTP/1.1 with TLS 1.2 or later, through the
	// environment's proxy.
	Transport http.RoundTripper
}

// Client calls the remux API. It is safe for concurrent use.
type Client struct {
	remux         *url.URL // …/v1/{project_id}/remux
	projectID     string
	auth          Auth
	renewer       renewer // auth, where it can renew its credentials; else nil
	timeout       time.Duration
	userAgent     string
	beforeRequest func(context.Context) error
	now           func() time.Time
	transport     http.RoundTripper
}

// New makes a client. It sends nothing.
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
	if cfg.Timeout < 0 || cfg.MaxConns < 0 {
		return nil, errors.New("the time-out and the number of connections must not be negative")
	}
	c := &Client{
		remux:         endpoint.JoinPath("v1", cfg.ProjectID, "remux"),
		projectID:     cfg.ProjectID,
		auth:          cfg.Auth,
		timeout:       cmp.Or(cfg.Timeout, defaultTimeout),
		userAgent:     cmp.Or(cfg.UserAgent, defaultUserAgent),
		beforeRequest: cfg.BeforeRequest,
		now:           cfg.Now,
		transport:     cfg.Transport,
	}
	c.renewer, _ = cfg.Auth.(renewer)
	if c.beforeRequest == nil {
		c.beforeRequest = func(context.Context) error { return nil }
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.transport == nil {
		c.transport = newRooted(cfg.Roots, func() *http.Transport { return newTransport(cmp.Or(cfg.MaxConns, defaultMaxConns)) })
	}
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

// Close closes idle connections and ends a renewal of the token that runs in the background. Calls made after it may
// fail.
func (c *Client) Close() {
	if c.renewer != nil {
		c.renewer.close()
	}
	closeIdle(c.transport)
}
