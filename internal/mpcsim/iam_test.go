package mpcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func loginBody(domain, user, password, project string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"domain":{"name":%q},"name":%q,"password":%q}}},"scope":{"project":{"name":%q}}}}`, domain, user, password, project)
}

func login(s *Simulator, body string) reply {
	return ask(s, httptest.NewRequest(http.MethodPost, "/v3/auth/tokens?nocatalog=true", strings.NewReader(body)))
}

func iamSimulator(t *testing.T, now *clock) *Simulator {
	return newSimulator(t, Config{Now: now.Now, Domain: "d", Username: "u", Password: "password-canary", Project: "region", WrongPasswords: 3})
}

var right = loginBody("d", "u", "password-canary", "region")

func TestIssuedTokenWorksUntilItExpires(t *testing.T) {
	now := newClock()
	s := iamSimulator(t, now)
	got := login(s, right)
	got.want(t, 201, "")
	var body struct {
		Token struct {
			ExpiresAt string `json:"expires_at"`
		} `json:"token"`
	}
	must(t, json.Unmarshal([]byte(got.body), &body))
	if want := "2026-11-24T08:00:00.000000Z"; body.Token.ExpiresAt != want {
		t.Fatalf("expires_at %q, want %q", body.Token.ExpiresAt, want)
	}
	call := func() reply {
		r := queryRequest("a")
		r.Header.Set("X-Auth-Token", got.header.Get("X-Subject-Token"))
		return ask(s, r)
	}
	call().want(t, 200, "")
	now.advance(24*time.Hour - time.Second)
	call().want(t, 200, "")
	now.advance(time.Second)
	call().want(t, 401, "APIGW.0307")
}

func TestExpireTokensAsksForARenewal(t *testing.T) {
	s := iamSimulator(t, newClock())
	r := queryRequest("a")
	r.Header.Set("X-Auth-Token", login(s, right).header.Get("X-Subject-Token"))
	s.ExpireTokens()
	ask(s, r).want(t, 401, "APIGW.0307")
	r.Header.Set("X-Auth-Token", login(s, right).header.Get("X-Subject-Token"))
	ask(s, r).want(t, 200, "")
}

func TestLoginsThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"wrong password": {loginBody("d", "u", "x", "region"), 401},
		"unknown user":   {loginBody("d", "x", "password-canary", "region"), 401},
		"other domain":   {loginBody("x", "u", "password-canary", "region"), 401},
		"other project":  {loginBody("d", "u", "password-canary", "x"), 403},
		"other method":   {strings.Replace(right, `"password"]`, `"token"]`, 1), 400},
		"no JSON":        {"password", 400},
	} {
		s := iamSimulator(t, newClock())
		got := login(s, c.body)
		var shape struct {
			Error struct {
				Code           int
				Message, Title string
			}
		}
		if err := json.Unmarshal([]byte(got.body), &shape); err != nil || got.status != c.status || shape.Error.Code != c.status || shape.Error.Title != http.StatusText(c.status) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if strings.Contains(got.body, "canary") {
			t.Errorf("%s: the answer shows the password: %s", name, got.body)
		}
		if count := s.Counters(); count.Logins != 1 || count.Refused != 1 {
			t.Errorf("%s: counted %+v", name, count)
		}
	}
}

func TestTooManyWrongPasswordsLockTheAccount(t *testing.T) {
	now := newClock()
	s := iamSimulator(t, now)
	wrong := loginBody("d", "u", "x", "region")
	login(s, wrong).want(t, 401, "")
	login(s, wrong).want(t, 401, "")
	login(s, right).want(t, 201, "") // resets the count
	login(s, wrong).want(t, 401, "")
	login(s, wrong).want(t, 401, "")
	login(s, right).want(t, 201, "")
	for range 3 {
		login(s, wrong).want(t, 401, "")
	}
	login(s, right).want(t, 401, "")
	now.advance(15*time.Minute - time.Second)
	login(s, right).want(t, 401, "")
	now.advance(time.Second)
	login(s, right).want(t, 201, "")
	if n := s.Counters().Logins; n != 12 {
		t.Fatalf("counted %d logins, want 12", n)
	}
}

func TestCallersWithoutRightsAreRefused(t *testing.T) {
	s := newSimulator(t, Config{})
	anonymous := retryRequest("a")
	anonymous.Header.Del("X-Auth-Token")
	ask(s, anonymous).want(t, 401, "APIGW.0301")

	stranger := retryRequest("a")
	stranger.Header.Set("X-Auth-Token", "another")
	ask(s, stranger).want(t, 401, "APIGW.0301")

	keyless := retryRequest("a")
	ask(s, signed(t, keyless, "", epoch, "x-sdk-date")).want(t, 401, "APIGW.0301")

	elsewhere := retryRequest("a")
	elsewhere.URL.Path = "/v1/q/remux"
	ask(s, elsewhere).want(t, 403, "APIGW.0306")

	if s.Accepted("a") != 0 {
		t.Fatal("a refused caller's retry was carried out")
	}
}
