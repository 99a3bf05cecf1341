// Package check checks one after the other what the service needs: brokers, topics, group,
// rights, the API and its credentials. Each result is a line, which says what to do if
// something is wrong.
//
// It changes nothing: it writes no record and joins no group. It sends MPC one request
// without credentials, then one state query, twice if the token is rejected. A login to IAM,
// or a request for temporary keys, comes between them if one is configured. Only package
// command imports it.
//
//	check.go   results
//	kafka.go   brokers and group
//	topics.go  topics, their settings and the rights
//	api.go     MPC: connection, clock, authentication, state query
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/config"
	"remux-retrier/internal/plain"
	"remux-retrier/mpcclient"
)

// within bounds each check.
const within = 10 * time.Second

// Config of a Checker. All fields are required.
type Config struct {
	Service config.Config
	// Kafka and MPC create clients.
	Kafka func(config.Config) (*kafkalog.Client, error)
	MPC   func(config.Config) (*mpcclient.Client, error)
	Now   func() time.Time
	// Out gets a line for each result as soon as it is known.
	Out io.Writer
}

// Checker runs the checks.
type Checker struct {
	Config
	failed int
	// stopped returns an error once the run has ended; further results are not printed.
	stopped func() error
}

// New returns a Checker.
func New(cfg Config) (*Checker, error) {
	if cfg.Kafka == nil || cfg.MPC == nil || cfg.Now == nil || cfg.Out == nil {
		return nil, errors.New("check: Kafka, MPC, Now and Out are required")
	}
	return &Checker{Config: cfg}, nil
}

// Run runs all checks and returns how many failed. Checks that depend on a failed one are
// left out. Once the context has ended nothing is printed: an interrupted check has not
// failed.
func (c *Checker) Run(ctx context.Context) (failed int) {
	c.stopped = ctx.Err
	c.settings()
	if c.brokers(ctx) {
		c.cluster(ctx)
	}
	c.api(ctx)
	return c.failed
}

func (c *Checker) settings() {
	s := c.Service
	c.ok("settings", "complete; group %s, authentication by %s, %s requests a minute", s.Kafka.GroupID, s.MPC.Auth.Mode, s.MPC.RequestsPerMinute)
	for _, w := range s.Warnings {
		c.warn("settings", "%s", w)
	}
	c.certificate()
}

// endsSoon is how long before its end a client certificate gets a warning.
const endsSoon = 14 * 24 * time.Hour

func (c *Checker) certificate() {
	const what = "client certificate"
	ends := c.Service.Kafka.TLS.CertificateEnds()
	at, left := ends.UTC().Format(time.RFC3339), ends.Sub(c.Now())
	switch {
	case ends.IsZero():
	case left <= 0:
		c.fail(what, "expired at %s: replace it and its key (KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE)", at)
	case left < endsSoon:
		c.warn(what, "expires in %s, at %s: replace it and its key; a running service uses them without a restart", plain.Count(int(left/(24*time.Hour)), "day"), at)
	default:
		c.ok(what, "valid until %s", at)
	}
}

func (c *Checker) ok(what, format string, args ...any)   { c.line("ok  ", what, format, args...) }
func (c *Checker) warn(what, format string, args ...any) { c.line("warn", what, format, args...) }
func (c *Checker) fail(what, format string, args ...any) {
	if c.line("FAIL", what, format, args...) {
		c.failed++
	}
}

// line prints one line, whatever its arguments contain; nothing once the run has ended.
func (c *Checker) line(result, what, format string, args ...any) (said bool) {
	if c.stopped != nil && c.stopped() != nil {
		return false
	}
	fmt.Fprintf(c.Out, "%s  %s: %s\n", result, what, plain.Text(fmt.Sprintf(format, args...)))
	return true
}
