package mpcclient

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const wrongPassword = `{"error":{"code":401,"message":"The username or password is wrong.","title":"Unauthorized"}}`

// tokenFailure is the error of requesting a token.
func tokenFailure(t *testing.T, a *passwordAuth, want Class) *Error {
	t.Helper()
	_, err := a.token(t.Context())
	return failure(t, err, want)
}

// Each wrong password brings the account closer to being locked.
func TestWrongPasswordIsNotTriedAgainForALongTime(t *testing.T) {
	iam := newFakeIAM(t)
	iam.failing(answering(401, wrongPassword))
	a := iam.auth(t)
	minutes := []time.Duration{5, 10, 20, 40, 60, 60}
	for i, pause := range minutes {
		pause *= time.Minute
		e := tokenFailure(t, a, Operator)
		if e.RetryAfter != pause || e.Status != 401 || e.Message != "The username or password is wrong." || !strings.Contains(e.Advice, "IAM_PASSWORD") {
			t.Fatalf("login %d: got %+v, want a pause of %s", i, *e, pause)
		}
		iam.clock.advance(pause - time.Second)
		if e = tokenFailure(t, a, Operator); e.RetryAfter != time.Second {
			t.Fatalf("the rest of the pause is %s", e.RetryAfter)
		}
		iam.expectLogins(t, i+1)
		iam.clock.advance(time.Second)
	}
	iam.refuse.Store(nil)
	expectToken(t, a, "token-1")
	iam.failing(answering(401, wrongPassword))
	iam.clock.advance(25 * time.Hour)
	if e := tokenFailure(t, a, Operator); e.RetryAfter != 5*time.Minute {
		t.Errorf("a success did not reset the pause: %s", e.RetryAfter)
	}
}

func TestFailingIAMIsNotHammered(t *testing.T) {
	iam := newFakeIAM(t)
	iam.failing(answering(503, ""))
	a := iam.auth(t)
	for i, pause := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		for range 3 {
			if e := tokenFailure(t, a, Transient); e.RetryAfter != pause*time.Second {
				t.Fatalf("login %d: pause is %s", i, e.RetryAfter)
			}
		}
		iam.expectLogins(t, i+1)
		iam.clock.advance(pause * time.Second)
	}
	iam.refuse.Store(nil)
	expectToken(t, a, "token-1")
}

func TestEveryAnswerOfIAMHasItsClass(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    Class
	}{
		{"400", answering(400, `{"error":{"code":400,"message":"no","title":"Bad Request"}}`), Operator},
		{"401", answering(401, wrongPassword), Operator},
		{"403", answering(403, ""), Operator},
		{"404", answering(404, "<html>"), Operator},
		{"408", answering(408, ""), Transient},
		{"429", answering(429, ""), Throttled},
		{"500", answering(500, ""), Transient},
		{"504", answering(504, ""), Transient},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v3/auth/tokens", 307) }, Operator},
		{"captive portal", answering(200, "<html>"), Operator},
		{"201 without a token", answering(201, `{"token":{}}`), Operator},
		{"reset", hangUp, Transient},
		{"hanging", hang, Transient},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			iam, api := newFakeIAM(t), newRecorder(t, answering(200, ""))
			iam.failing(test.handler)
			auth := iam.auth(t, func(c *PasswordConfig) {
				if test.name == "hanging" {
					c.Timeout = hangTimeout
				}
			})
			c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = auth })
			e := failure(t, c.Retry(t.Context(), "1"), test.want)
			if e.Operation != OperationLogin || e.RetryAfter <= 0 || (e.Class == Operator) != (e.Advice != "") {
				t.Errorf("details are missing: %+v", *e)
			}
			iam.expectLogins(t, 1)
			if len(api.seen()) != 0 {
				t.Error("the retry was sent without a token")
			}
		})
	}
}

func TestIAMsRetryAfterIsHonoured(t *testing.T) {
	iam := newFakeIAM(t)
	iam.failing(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		w.WriteHeader(429)
	})
	a := iam.auth(t)
	if e := tokenFailure(t, a, Throttled); e.RetryAfter != 90*time.Second {
		t.Errorf("pause is %s", e.RetryAfter)
	}
	iam.clock.advance(89 * time.Second)
	tokenFailure(t, a, Throttled)
	iam.expectLogins(t, 1)
}

func TestTokenOfUnknownLifeIsUsedForAnHour(t *testing.T) {
	for _, body := range []string{"", `{"token":{"expires_at":"soon"}}`, `{"token":{}}`} {
		if got := tokenLife(answer{body: []byte(body)}, time.Now()); got != time.Hour {
			t.Errorf("%s: life is %s", body, got)
		}
	}
	expired := answer{body: []byte(`{"token":{"expires_at":"2020-01-04T09:08:49.965000Z"}}`)}
	if got := tokenLife(expired, time.Now()); got != time.Minute {
		t.Errorf("an expired token lives for %s", got)
	}
}
