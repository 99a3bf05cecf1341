package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"remux-retrier/internal/config"
	"remux-retrier/mpcclient"
)

// probe is the id of the queried task. The task need not exist.
const probe = "1"

const (
	// noticeableSkew is reported.
	noticeableSkew = time.Minute
	// maxSkew is the skew from which on the gateway rejects signatures.
	maxSkew = 15 * time.Minute
)

// api checks the connection to MPC and the credentials.
func (c *Checker) api(ctx context.Context) {
	c.endpoint(ctx)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	client, err := c.MPC(c.Service)
	if err != nil {
		c.fail("authentication", "%v", err)
		return
	}
	defer client.Close()
	_, err = client.Query(ctx, []string{probe})
	c.verdict(err)
}

// endpoint connects without credentials, and compares clocks.
func (c *Checker) endpoint(ctx context.Context) {
	endpoint := c.Service.MPC.Endpoint
	what := "MPC at " + endpoint
	began := c.Now()
	date, err := c.dateAt(ctx, endpoint)
	took := c.Now().Sub(began)
	if err != nil {
		advice := "check MPC_ENDPOINT or MPC_REGION, the name server, and the proxies and firewalls on the path"
		if errors.As(err, new(*tls.CertificateVerificationError)) {
			advice = "if a private authority has signed the certificate, name it in MPC_CA_FILE; if not, check MPC_ENDPOINT, this machine's clock and the proxies on the path"
		}
		c.fail(what, "%v: %s", err, advice)
		return
	}
	c.ok(what, "answers after %v", took.Round(time.Millisecond))
	if date.IsZero() {
		c.warn("clock", "the API's answer has no time, so this machine's clock cannot be compared")
		return
	}
	// The answer was written between request and receipt, and its time is in whole seconds.
	skew := began.Add(took / 2).Sub(date.Add(time.Second / 2)).Round(time.Second)
	where := "ahead of"
	if skew < 0 {
		skew, where = -skew, "behind"
	}
	switch {
	case skew >= maxSkew && (c.Service.MPC.Auth.Mode == config.KeyMode || c.Service.MPC.Auth.Mode == config.AgencyMode):
		c.fail("clock", "this machine's clock is %v %s the API's, which rejects AK/SK signatures from %v on: set the clock", skew, where, maxSkew)
	case skew >= noticeableSkew:
		c.warn("clock", "this machine's clock is %v %s the API's: set it (AK/SK signatures are rejected from %v on)", skew, where, maxSkew)
	default:
		c.ok("clock", "within %v of the API's", max(skew, time.Second))
	}
}

// dateAt returns the Date of an answer; zero if it has none.
func (c *Checker) dateAt(ctx context.Context, endpoint string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint, nil)
	if err != nil {
		return time.Time{}, errors.New("the address is invalid")
	}
	transport := &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			u, err := http.ProxyFromEnvironment(r)
			if err != nil { // it quotes the proxy's URL, which may contain a password
				return nil, errors.New("the proxy's URL in the environment (HTTPS_PROXY, HTTP_PROXY) is invalid")
			}
			return u, nil
		},
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Service.MPC.Roots()},
		DisableKeepAlives: true,
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return time.Time{}, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 1<<10)
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil
	}
	return date, nil
}

// verdict reports what the answer to a state query proves about the credentials. A refusal
// because of the task proves that they were accepted.
func (c *Checker) verdict(err error) {
	const query, login = "state query", "authentication"
	var e *mpcclient.Error
	switch {
	case err == nil:
		c.ok(login, "%s accepted", c.credentials())
		c.ok(query, "answered")
	case !errors.As(err, &e):
		c.fail(query, "%v", err)
	case e.Operation == mpcclient.OperationLogin:
		c.fail(login, "%v", e)
	case e.Forbidden():
		c.ok(login, "%s accepted", c.credentials())
		c.warn(query, "%v; if only the query is denied, the service works, but judges refusals by their codes alone; if MPC_PROJECT_ID belongs to another project, every retry is denied too: check it first", e)
	case e.Class == mpcclient.Operator:
		c.fail(login, "%v", e)
	case e.Outage():
		c.fail(query, "%v; the credentials could not be checked", e)
	default:
		c.ok(login, "%s accepted", c.credentials())
		c.ok(query, "answered (%s)", e.Code)
	}
}

func (c *Checker) credentials() string {
	a := c.Service.MPC.Auth
	if a.Mode == config.PasswordMode {
		return fmt.Sprintf("IAM login as %s, and its token,", a.IAM.Username)
	}
	return string(a.Mode)
}
