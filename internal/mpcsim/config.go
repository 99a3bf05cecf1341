package mpcsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Secret is a credential. In a configuration it prints as a fixed text with
// every format verb, so that none shows it by accident.
type Secret string

// Format hides the value, also from %x and %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// Config says who may call the simulator and how its tasks behave. ProjectID
// and at least one way to authenticate are required.
type Config struct {
	// ProjectID is the project in the path; requests for another are refused.
	ProjectID string

	// Tokens are user tokens that are valid for ever.
	Tokens []Secret
	// AccessKey and SecretKey sign requests with SDK-HMAC-SHA256.
	AccessKey, SecretKey Secret
	// SecurityToken makes the key pair a temporary one: requests must carry and
	// sign it. Defaults to none.
	SecurityToken Secret
	// Domain, Username and Password are the IAM account that may fetch tokens.
	Domain, Username string
	Password         Secret
	// Project is the name or id the login must ask its scope for. Defaults to
	// any.
	Project string
	// TokenLife is how long an issued token is valid. Defaults to 24 hours.
	TokenLife time.Duration
	// WrongPasswords is how many failed logins in a row lock the account for 15
	// minutes. Defaults to 5.
	WrongPasswords int

	// UnknownNotFound makes an id that nobody registered unknown to MPC.
	// Defaults to false: it is a failed task from the moment it is first named.
	UnknownNotFound bool
	// WaitingFor and ProcessingFor are how long an accepted task stays in
	// WAITING and PROCESSING. Default to 0: it has ended at once.
	WaitingFor, ProcessingFor time.Duration
	// Then is where an accepted task ends: StatusSucceed or StatusFailed.
	// Defaults to StatusSucceed.
	Then Status
	// RefusalCode answers the retry of a task that is not FAILED: MPC.10213 or
	// MPC.10212. Defaults to MPC.10213.
	RefusalCode string

	// Faults are the faults in force from the start. Default to none.
	Faults Faults
	// KeepLog keeps every request for Requests and MaxInWindow. Defaults to
	// false: memory does not grow with the number of requests, only with the
	// number of tasks.
	KeepLog bool
	// OnRequest is told of every request before its answer is sent, from the
	// request's own goroutine. Defaults to nobody.
	OnRequest func(Request)

	// Seed decides the random faults. Defaults to 0, a seed as good as another.
	Seed uint64
	// Now is the clock that states, tokens, quotas and the ledger go by.
	// Defaults to time.Now.
	Now func() time.Time
	// Sleep waits for latencies and delays. Defaults to a timer; it returns
	// early with the context's error.
	Sleep func(context.Context, time.Duration) error

	// Address is where Start listens. Defaults to 127.0.0.1:0, a free port.
	Address string
	// TLS makes Start serve HTTPS with a certificate of its own.
	TLS bool
}

// Validate says what New would refuse.
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults validates c and fills in what was left out. Its errors name
// fields, never values.
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
		errs = append(errs, errors.New("nobody could call: give Tokens, a key pair or a user"))
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
