package mpcclient

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// guardedAPI accepts one user token and rejects others as the gateway does.
type guardedAPI struct {
	*recorder
	valid atomic.Pointer[string]
}

func newGuardedAPI(t testing.TB, valid string) *guardedAPI {
	api := &guardedAPI{}
	api.accept(valid)
	api.recorder = newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Auth-Token") != *api.valid.Load() {
			answering(401, `{"error_code":"APIGW.0307","error_msg":"The token must be updated."}`)(w, r)
			return
		}
		answering(200, `{"total":0,"tasks":[]}`)(w, r)
	})
	return api
}

func (a *guardedAPI) accept(token string) { a.valid.Store(&token) }

func TestRefusedTokenIsRenewedOnceAndTheCallRepeatedOnce(t *testing.T) {
	iam, api := newFakeIAM(t), newGuardedAPI(t, "token-2")
	var extra int
	c := newClient(t, api.URL, func(cfg *Config) {
		cfg.Auth, cfg.Now = iam.auth(t), iam.clock.Now
		cfg.BeforeRequest = func(context.Context) error { extra++; return nil }
	})
	if err := c.Retry(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	iam.expectLogins(t, 2)
	if len(api.seen()) != 2 || extra != 1 {
		t.Errorf("%d requests, of which %d announced as extra", len(api.seen()), extra)
	}
	if _, err := c.Query(t.Context(), []string{"1"}); err != nil { // the token is kept
		t.Fatal(err)
	}
	api.accept("token-3")
	if _, err := c.Query(t.Context(), []string{"1"}); err != nil { // a token that has worked justifies an immediate renewal
		t.Fatal(err)
	}
	iam.expectLogins(t, 3)
}

// A call must end within a drain, however long the quota makes its repeat wait.
func TestCallEndsInTimeThoughTheWaitForItsRepeatHangs(t *testing.T) {
	iam, api := newFakeIAM(t), newGuardedAPI(t, "token-2")
	c := newClient(t, api.URL, func(cfg *Config) {
		cfg.Auth, cfg.Now, cfg.Timeout, cfg.CallTimeout = iam.auth(t), iam.clock.Now, time.Minute, hangTimeout
		cfg.BeforeRequest = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	})
	began := time.Now()
	failure(t, c.Retry(t.Context(), "1"), Operator)
	if took := time.Since(began); took < hangTimeout || took > time.Minute/2 {
		t.Errorf("it took %v", took)
	}
}

func TestTokenThatNeverWorksIsAnOperatorsAndDoesNotHammerIAM(t *testing.T) {
	iam, api := newFakeIAM(t), newGuardedAPI(t, "another project's")
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = iam.auth(t), iam.clock.Now })
	e := failure(t, c.Retry(t.Context(), "1"), Operator)
	if e.Code != "APIGW.0307" || e.Advice == "" {
		t.Errorf("got %+v", *e)
	}
	iam.expectLogins(t, 2)
	for range 5 {
		e = failure(t, c.Retry(t.Context(), "1"), Operator)
	}
	// Logins pause; calls do not, since the API may accept the token by now.
	if e.RetryAfter != 0 || e.Advice == "" {
		t.Errorf("got %+v", *e)
	}
	iam.expectLogins(t, 2)
	for i, pause := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		iam.clock.advance(pause*time.Second - time.Millisecond)
		failure(t, c.Retry(t.Context(), "1"), Operator)
		iam.expectLogins(t, 2+i)
		iam.clock.advance(time.Millisecond)
		failure(t, c.Retry(t.Context(), "1"), Operator)
		iam.expectLogins(t, 3+i)
	}
	api.accept("token-9")
	if err := c.Retry(t.Context(), "1"); err != nil {
		t.Errorf("the token works now, but: %v", err)
	}
}

func retryFiftyAtOnce(t *testing.T, c *Client) {
	t.Helper()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if err := c.Retry(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
}

func TestFiftyRefusedCallersShareOneRenewal(t *testing.T) {
	iam, api := newFakeIAM(t), newGuardedAPI(t, "token-1")
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = iam.auth(t), iam.clock.Now })
	if err := c.Retry(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	api.accept("token-2")
	retryFiftyAtOnce(t, c)
	iam.expectLogins(t, 2)
}

func TestFailedRenewalIsTheCallsError(t *testing.T) {
	iam, api := newFakeIAM(t), newGuardedAPI(t, "token-2")
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = iam.auth(t), iam.clock.Now })
	if _, err := c.auth.(*passwordAuth).token(t.Context()); err != nil {
		t.Fatal(err)
	}
	iam.failing(answering(401, wrongPassword))
	e := failure(t, c.Retry(t.Context(), "1"), Operator)
	if e.Operation != OperationLogin || e.RetryAfter != 5*time.Minute {
		t.Errorf("got %+v", *e)
	}
	failure(t, c.Retry(t.Context(), "1"), Operator)
	iam.expectLogins(t, 2)
	if n := len(api.seen()); n != 1 {
		t.Errorf("%d requests were sent with a refused token", n)
	}
}

// The pacer may refuse the repeat because the generation ends; the 401 proves that nothing
// was executed.
func TestRepeatThatMayNotBeSentLeavesTheRefusal(t *testing.T) {
	iam, api := newFakeIAM(t), newGuardedAPI(t, "token-2")
	ended := errors.New("the generation has ended")
	c := newClient(t, api.URL, func(cfg *Config) {
		cfg.Auth = iam.auth(t)
		cfg.BeforeRequest = func(context.Context) error { return ended }
	})
	if e := failure(t, c.Retry(t.Context(), "1"), Operator); e.Status != 401 || e.Advice == "" || e.Operation != OperationRetry {
		t.Errorf("got %v", e)
	}
	if n := len(api.seen()); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}

// MPC has accepted the credentials if it answers with a code of its own: a repeat would be
// a second call for the task.
func TestOnlyARefusedTokenIsRenewed(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		puts   int
	}{
		{401, "MPC.10212", 1}, {401, "MPC.10213", 1}, {401, "MPC.10211", 1}, {401, "MPC.10237", 1}, {401, "MPC.10244", 1},
		{401, "APIG.0308", 1}, {403, "APIG.0302", 1}, {403, "MPC.10203", 1},
		{401, "APIG.0301", 2}, {403, "APIGW.0307", 2}, {401, "", 2}, {401, "OTHER.1", 2}, {401, "MPC.10203", 2},
	} {
		iam, api := newFakeIAM(t), newRecorder(t, answering(test.status, `{"error_code":"`+test.code+`"}`))
		c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = iam.auth(t) })
		if err := c.Retry(t.Context(), "1"); err == nil {
			t.Errorf("%d %s: accepted", test.status, test.code)
		}
		if puts := len(api.seen()); puts != test.puts || len(iam.seen()) != test.puts {
			t.Errorf("%d %s: %d calls and %d logins, want %d", test.status, test.code, puts, len(iam.seen()), test.puts)
		}
	}
}

func TestStaticTokenIsNotRepeated(t *testing.T) {
	for _, auth := range []Auth{Token("expired"), AKSK("ak", "sk", "")} {
		api := newGuardedAPI(t, "fresh")
		c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = auth })
		if e := failure(t, c.Retry(t.Context(), "1"), Operator); e.Advice == "" {
			t.Errorf("%v: no advice", auth)
		}
		if n := len(api.seen()); n != 1 {
			t.Errorf("%v: %d requests were sent", auth, n)
		}
	}
}
