package mpcsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Secret is a credential. It prints as a fixed text with every format verb, so that
// no log shows it by accident.
type Secret string

// Format writes the fixed text, also for %x and %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// Config says who may call the simulator and how its tasks behave. ProjectID
// and at least one way to authenticate are required.
type Config struct {
	// ProjectID is the project in the path. Requests for another one are refused.
	ProjectID string

	// Tokens are user tokens that never expire.
	Tokens []Secret
	// AccessKey and SecretKey are for requests signed with SDK-HMAC-SHA256.
	AccessKey, SecretKey Secret
	// SecurityToken makes the key pair temporary: requests must have and sign it.
	// Defaults to none.
	SecurityToken Secret
	// Domain, Username and Password are the IAM account that may fetch tokens.
	Domain, Username string
	Password         Secret
	// Project is the name or id of the project in the login's scope. Defaults to
	// any.
	Project string
	// TokenLife is how long an issued token is valid. Defaults to 24 hours.
	TokenLife time.Duration
	// WrongPasswords is how many wrong passwords in a row lock the account for 15
	// minutes. Defaults to 5.
	WrongPasswords int

	// UnknownNotFound makes MPC answer "not found" for ids that were not registered
	// by SetTask. Defaults to false: a new id is a FAILED task from its first request.
	UnknownNotFound bool
	// WaitingFor and ProcessingFor are how long a task stays in WAITING and
	// PROCESSING after an accepted retry. Default to 0: it ends at once.
	WaitingFor, ProcessingFor time.Duration
	// Then is the state after PROCESSING: StatusSucceed or StatusFailed. Defaults to
	// StatusSucceed.
	Then Status
	// RefusalCode is the error code for the retry of a task that is not FAILED:
	// MPC.10213 or MPC.10212. Defaults to MPC.10213.
	RefusalCode string

	// Faults are active from the start. Default to none.
	Faults Faults
	// KeepRequests keeps every request for Requests and MaxInWindow. Defaults to
	// false: then memory grows with the number of tasks only.
	KeepRequests bool
	// OnRequest is called for every request before its answer is sent, on the
	// request's goroutine. Defaults to nil.
	OnRequest func(Request)

	// Seed picks the random faults. Defaults to 0.
	Seed uint64
	// Now is the clock for states, tokens, quotas and request times. Defaults to
	// time.Now.
	Now func() time.Time
	// Sleep waits for latencies and delays, or returns early with the context's
	// error. Defaults to a timer.
	Sleep func(context.Context, time.Duration) error

	// Address is where Start listens. Defaults to 127.0.0.1:0, a free port.
	Address string
	// TLS makes Start serve HTTPS with a self-signed certificate.
	TLS bool
}

// Validate returns the error that New would return.
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults validates c and fills in defaults. Its errors name fields, and no
// credentials.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.ProjectID == "" {
		errs = append(errs, errors.New("ProjectID is missing"))
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		errs = append(errs, errors.New("AccessKey and SecretKey go together: one is missing"))
	}
	if c.SecurityToken != "" && c.AccessKey == "" {
		errs = append(errs, errors.New("SecurityToken belongs to a key pair: AccessKey is missing"))
	}
	if (c.Username == "") != (c.Password == "") {
		errs = append(errs, errors.New("Username and Password go together: one is missing"))
	}
	if len(c.Tokens) == 0 && c.AccessKey == "" && c.Username == "" {
		errs = append(errs, errors.New("no caller is allowed: give Tokens, a key pair or a user"))
	}
	if slices.Contains(c.Tokens, "") {
		errs = append(errs, errors.New("Tokens holds an empty token"))
	}
	if c.Then == "" {
		c.Then = StatusSucceed
	}
	if c.Then != StatusSucceed && c.Then != StatusFailed {
		errs = append(errs, fmt.Errorf("Then is %q: expected %s or %s", c.Then, StatusSucceed, StatusFailed))
	}
	if c.RefusalCode == "" {
		c.RefusalCode = "MPC.10213"
	}
	if err := c.Faults.validate(); err != nil {
		errs = append(errs, err)
	}
	if c.TokenLife == 0 {
		c.TokenLife = 24 * time.Hour
	}
	if c.WrongPasswords == 0 {
		c.WrongPasswords = 5
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Address == "" {
		c.Address = "127.0.0.1:0"
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("configure the MPC simulator: %w", err)
	}
	return c, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
