package mpcclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeIAM issues token-1, token-2, … valid for life, unless refuse answers instead.
type fakeIAM struct {
	*recorder
	clock  *clock
	life   time.Duration
	issued atomic.Int64
	refuse atomic.Pointer[http.HandlerFunc]
}

func newFakeIAM(t testing.TB) *fakeIAM {
	iam := &fakeIAM{clock: newClock(), life: 24 * time.Hour}
	iam.recorder = newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if refuse := iam.refuse.Load(); refuse != nil {
			(*refuse)(w, r)
			return
		}
		w.Header().Set("X-Subject-Token", fmt.Sprintf("token-%d", iam.issued.Add(1)))
		w.Header().Set("Date", iam.clock.Now().Format(http.TimeFormat))
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{
			"expires_at": iam.clock.Now().Add(iam.life).Format("2006-01-02T15:04:05.000000Z"),
		}})
	})
	return iam
}

func (i *fakeIAM) failing(handler http.HandlerFunc) { i.refuse.Store(&handler) }

// auth is the password mode against this IAM.
func (i *fakeIAM) auth(t testing.TB, change ...func(*PasswordConfig)) *passwordAuth {
	t.Helper()
	cfg := PasswordConfig{
		Endpoint: i.URL, Domain: "a domain", Username: "a user", Project: "cn-north-4",
		Timeout: 5 * time.Second, Now: i.clock.Now,
	}
	for _, c := range change {
		c(&cfg)
	}
	auth, err := Password(cfg, "a password")
	if err != nil {
		t.Fatal(err)
	}
	a := auth.(*passwordAuth)
	t.Cleanup(a.close)
	return a
}

func (i *fakeIAM) expectLogins(t *testing.T, want int) {
	t.Helper()
	if got := len(i.seen()); got != want {
		t.Fatalf("IAM saw %d logins, want %d", got, want)
	}
}

func expectToken(t *testing.T, a *passwordAuth, want string) {
	t.Helper()
	got, err := a.token(t.Context())
	if err != nil || got.value.reveal() != want {
		t.Fatalf("got token %q and error %v, want %q", got.value.reveal(), err, want)
	}
}

func TestLoginSendsWhatTheReferenceAsksFor(t *testing.T) {
	iam := newFakeIAM(t)
	expectToken(t, iam.auth(t), "token-1")
	expectToken(t, iam.auth(t, func(c *PasswordConfig) { c.Project, c.ProjectID = "", project }), "token-2")
	for i, scope := range []string{`{"name":"cn-north-4"}`, `{"id":"` + project + `"}`} {
		got := iam.seen()[i]
		want := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"domain":{"name":"a domain"},` +
			`"name":"a user","password":"a password"}}},"scope":{"project":` + scope + `}}}`
		if got.method != "POST" || got.uri != "/v3/auth/tokens?nocatalog=true" || got.body != want {
			t.Errorf("got %s %s %s", got.method, got.uri, got.body)
		}
	}
}

func TestTokenIsFetchedAtTheFirstCallAndRenewedBeforeItExpires(t *testing.T) {
	for _, test := range []struct{ life, renewal time.Duration }{
		{24 * time.Hour, 23*time.Hour + 30*time.Minute},
		{40 * time.Minute, 20 * time.Minute},
	} {
		iam := newFakeIAM(t)
		iam.life = test.life
		a := iam.auth(t)
		iam.expectLogins(t, 0)
		expectToken(t, a, "token-1")
		iam.clock.advance(test.renewal - time.Second)
		expectToken(t, a, "token-1")
		a.running.Wait()
		iam.expectLogins(t, 1)

		iam.clock.advance(time.Second)
		expectToken(t, a, "token-1") // callers do not wait while the old token is valid
		a.running.Wait()
		expectToken(t, a, "token-2")
		iam.expectLogins(t, 2)

		iam.clock.advance(2 * test.life)
		expectToken(t, a, "token-3")
	}
}

func TestCallersWithAValidTokenDoNotWaitForAHangingRenewal(t *testing.T) {
	iam := newFakeIAM(t)
	a := iam.auth(t, func(c *PasswordConfig) { c.Timeout = time.Hour })
	expectToken(t, a, "token-1")
	iam.failing(hang)
	iam.clock.advance(23*time.Hour + 45*time.Minute)
	for range 3 {
		expectToken(t, a, "token-1")
	}
	a.close()
	a.mu.Lock()
	if a.attempt != nil {
		t.Error("close did not wait for the login under way")
	}
	a.mu.Unlock()
	if _, err := a.token(t.Context()); err != nil {
		t.Errorf("a valid token is withheld: %v", err)
	}
	iam.clock.advance(time.Hour)
	if _, err := a.token(t.Context()); err == nil {
		t.Error("there is a login after close")
	}
}

func TestFailingRenewalKeepsTheValidToken(t *testing.T) {
	iam := newFakeIAM(t)
	a := iam.auth(t)
	expectToken(t, a, "token-1")
	iam.failing(answering(503, ""))
	iam.clock.advance(23*time.Hour + 45*time.Minute)
	for range 5 {
		expectToken(t, a, "token-1")
		a.running.Wait()
	}
	iam.expectLogins(t, 2)
	iam.refuse.Store(nil)
	iam.clock.advance(time.Second)
	expectToken(t, a, "token-1")
	a.running.Wait()
	expectToken(t, a, "token-2")
}

func TestFiftyCallersShareOneLogin(t *testing.T) {
	iam := newFakeIAM(t)
	release := make(chan struct{})
	issue := iam.Config.Handler
	iam.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		issue.ServeHTTP(w, r)
	})
	a := iam.auth(t)
	var started, done sync.WaitGroup
	for range 50 {
		started.Add(1)
		done.Go(func() {
			started.Done()
			if got, err := a.token(t.Context()); err != nil || got.value.reveal() != "token-1" {
				t.Errorf("got %q, %v", got.value.reveal(), err)
			}
		})
	}
	started.Wait()
	close(release)
	done.Wait()
	iam.expectLogins(t, 1)
}

func TestLoginOutlivesTheCallerThatStartedIt(t *testing.T) {
	iam := newFakeIAM(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	issue := iam.Config.Handler
	iam.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		issue.ServeHTTP(w, r)
	})
	a := iam.auth(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if _, err := a.token(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	close(release)
	expectToken(t, a, "token-1")
	iam.expectLogins(t, 1)
}

func TestTokenLifeIsMeasuredByIAMsClock(t *testing.T) {
	iam := newFakeIAM(t)
	behind := newClock()
	behind.advance(-48 * time.Hour)
	a := iam.auth(t, func(c *PasswordConfig) { c.Now = behind.Now })
	expectToken(t, a, "token-1")
	behind.advance(23 * time.Hour)
	expectToken(t, a, "token-1")
	behind.advance(2 * time.Hour)
	expectToken(t, a, "token-2")
}

func TestIncompletePasswordConfigsAreRefused(t *testing.T) {
	complete := PasswordConfig{Endpoint: "https://iam.example.com", Domain: "d", Username: "u", Project: "r"}
	for name, change := range map[string]func(*PasswordConfig){
		"endpoint": func(c *PasswordConfig) { c.Endpoint = "" },
		"http":     func(c *PasswordConfig) { c.Endpoint = "http://iam.example.com" },
		"domain":   func(c *PasswordConfig) { c.Domain = "" },
		"username": func(c *PasswordConfig) { c.Username = "" },
		"project":  func(c *PasswordConfig) { c.Project = "" },
		"timeout":  func(c *PasswordConfig) { c.Timeout = -1 },
	} {
		cfg := complete
		change(&cfg)
		if _, err := Password(cfg, "p"); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := Password(complete, ""); err == nil {
		t.Error("no password was accepted")
	}
}
