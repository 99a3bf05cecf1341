package mpcclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakeNode is a metadata service that issues keys 1, 2, … valid for life, unless refuse
// answers instead.
type fakeNode struct {
	*recorder
	clock  *clock
	life   time.Duration
	old    atomic.Bool // knows no sessions
	issued atomic.Int64
	refuse atomic.Pointer[http.HandlerFunc]
}

func newFakeNode(t testing.TB) *fakeNode {
	node := &fakeNode{clock: newClock(), life: 24 * time.Hour}
	node.recorder = newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if refuse := node.refuse.Load(); refuse != nil {
			(*refuse)(w, r)
			return
		}
		w.Header().Set("Date", node.clock.Now().Format(http.TimeFormat))
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/meta-data/latest/api/token":
			if node.old.Load() {
				http.Error(w, "no", http.StatusMethodNotAllowed)
			} else if r.Header.Get(headerMetadataTTL) == "21600" {
				fmt.Fprintln(w, "session-"+canary)
			}
		case r.Method != http.MethodGet || r.URL.Path != "/openstack/latest/securitykey":
			http.NotFound(w, r)
		case !node.old.Load() && r.Header.Get(headerMetadataToken) != "session-"+canary, node.old.Load() && len(r.Header[headerMetadataToken]) > 0:
			http.Error(w, "Invalid token", http.StatusUnauthorized)
		default:
			n := node.issued.Add(1)
			_ = json.NewEncoder(w).Encode(map[string]any{"credential": map[string]any{
				"access": fmt.Sprintf("ak%d-%s", n, canary), "secret": fmt.Sprintf("sk%d-%s", n, canary),
				"securitytoken": fmt.Sprintf("st%d-%s", n, canary),
				"expires_at":    node.clock.Now().Add(node.life).Format("2006-01-02T15:04:05.000000Z"),
			}})
		}
	})
	return node
}

func (n *fakeNode) failing(handler http.HandlerFunc) { n.refuse.Store(&handler) }

func (n *fakeNode) auth(t testing.TB) *agencyAuth {
	t.Helper()
	auth, err := Agency(AgencyConfig{Endpoint: n.URL, Timeout: 5 * time.Second, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return auth.(*agencyAuth)
}

func (n *fakeNode) expectIssued(t *testing.T, want int64) {
	t.Helper()
	if got := n.issued.Load(); got != want {
		t.Fatalf("keys were fetched %d times, want %d", got, want)
	}
}

func TestAgencysKeysSignEachCallAndAreRenewedBeforeTheyEnd(t *testing.T) {
	for _, old := range []bool{false, true} {
		for _, test := range []struct{ life, renewal time.Duration }{
			{24 * time.Hour, 23*time.Hour + 20*time.Minute},
			{30 * time.Minute, 15 * time.Minute},
		} {
			node, api := newFakeNode(t), newRecorder(t, answering(200, ""))
			node.life = test.life
			node.old.Store(old)
			auth := node.auth(t)
			c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = auth, node.clock.Now })
			node.expectIssued(t, 0)
			var used []string
			call := func() {
				t.Helper()
				if err := c.Retry(t.Context(), "1"); err != nil {
					t.Fatal(err)
				}
				seen := api.seen()
				header := seen[len(seen)-1].header
				if !strings.Contains(header.Get("Authorization"), "SignedHeaders=x-project-id;x-sdk-date;x-security-token,") {
					t.Errorf("headers are %v", header)
				}
				used = append(used, strings.TrimSuffix(header.Get("X-Security-Token"), "-"+canary))
				auth.running.Wait()
			}
			call()
			node.clock.advance(test.renewal - time.Second)
			call()
			node.expectIssued(t, 1)
			node.clock.advance(time.Second)
			call() // callers do not wait while the old keys are valid
			call()
			node.expectIssued(t, 2)
			node.clock.advance(2 * test.life)
			call()
			if got := strings.Join(used, " "); got != strings.Repeat("st1 ", 3)+"st2 st3" {
				t.Errorf("used %s", got)
			}
		}
	}
}

func TestFiftyCallersShareOneFetchOfKeys(t *testing.T) {
	node, api := newFakeNode(t), newRecorder(t, answering(200, ""))
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = node.auth(t) })
	retryFiftyAtOnce(t, c)
	node.expectIssued(t, 1)
}

func TestAbsentMetadataServiceIsAnOutageOnceTheKeysHaveEnded(t *testing.T) {
	for name, absence := range map[string]http.HandlerFunc{"reset": hangUp, "503": answering(503, ""), "429": answering(429, "")} {
		t.Run(name, func(t *testing.T) {
			node, api := newFakeNode(t), newRecorder(t, answering(200, ""))
			auth := node.auth(t)
			c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = auth, node.clock.Now })
			if err := c.Retry(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
			node.failing(absence)
			node.clock.advance(23*time.Hour + 50*time.Minute)
			for range 5 {
				if err := c.Retry(t.Context(), "1"); err != nil {
					t.Fatalf("the keys are still valid: %v", err)
				}
				auth.running.Wait()
			}
			node.clock.advance(time.Hour)
			var e *Error
			err := c.Retry(t.Context(), "1")
			if !errors.As(err, &e) || !e.Outage() || e.Class == Lost || e.Operation != OperationLogin || e.RetryAfter == 0 || !strings.HasPrefix(e.Error(), metadataName) {
				t.Fatalf("got %v", err)
			}
			if name == "reset" && e.Headline == "" {
				t.Error("there is no headline")
			}
			asked := len(node.seen())
			_ = c.Retry(t.Context(), "1")
			if n := len(node.seen()); n != asked {
				t.Error("it is asked again without a pause")
			}
			node.refuse.Store(nil)
			node.clock.advance(30 * time.Second)
			if err := c.Retry(t.Context(), "1"); err != nil {
				t.Errorf("the service is back: %v", err)
			}
		})
	}
}

func TestNodeWithoutAnAgencyIsAnOperators(t *testing.T) {
	for _, refusal := range []http.HandlerFunc{
		answering(404, ""), answering(401, `{"message":"Please configure Cloud Service Agency first"}`), answering(403, ""),
		answering(200, "<html>session-"+canary), answering(200, `{"credential":{"access":"`+canary+`"}}`), answering(302, ""),
	} {
		node, api := newFakeNode(t), newRecorder(t, answering(200, ""))
		node.failing(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				answering(200, "session-"+canary)(w, r)
			} else {
				refusal(w, r)
			}
		})
		c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = node.auth(t), node.clock.Now })
		e := failure(t, c.Retry(t.Context(), "1"), Operator)
		if e.Advice == "" || e.Headline == "" || e.Operation != OperationLogin {
			t.Errorf("got %+v", *e)
		}
		mustNotLeak(t, "the error", e)
		node.refuse.Store(nil)
		node.clock.advance(30 * time.Second) // asking cannot lock an account
		if err := c.Retry(t.Context(), "1"); err != nil {
			t.Errorf("the node has its agency: %v", err)
		}
	}
}

func TestRefusedKeysAreRenewedOnce(t *testing.T) {
	node := newFakeNode(t)
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Security-Token") == "st1-"+canary {
			answering(401, `{"error_code":"APIG.0301"}`)(w, r)
		}
	})
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = node.auth(t), node.clock.Now })
	if err := c.Retry(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	node.expectIssued(t, 2)
}

func TestKeysNeverPassAProxy(t *testing.T) {
	if a := newFakeNode(t).auth(t); a.metadata.transport.Proxy != nil {
		t.Error("the metadata service is asked through a proxy")
	}
	if a, err := Agency(AgencyConfig{}); err != nil || a.(*agencyAuth).metadata.endpoint.String() != "http://169.254.169.254" {
		t.Errorf("got %v, %v", a, err)
	}
}
