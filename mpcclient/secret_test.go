package mpcclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const canary = "CANARY-9f27"

// mustNotSing looks for the canary in every way of printing v.
func mustNotSing(t *testing.T, what string, v any) {
	t.Helper()
	data, _ := json.Marshal(v)
	for _, text := range []string{
		fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%s %q %x %d", v, v, v, v), string(data),
		fmt.Sprintf("%+v", []any{struct{ hidden any }{v}}),
	} {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s gives the secret away: %s", what, text)
		}
	}
}

// echo is a gateway that quotes all it got, as real ones quote the access key they refuse.
func echo(status int, asJSON bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		quoted := fmt.Sprint(r.Header)
		w.Header().Set("X-Request-Id", quoted)
		w.WriteHeader(status)
		if asJSON {
			_ = json.NewEncoder(w).Encode(map[string]string{"error_code": "X." + quoted, "error_msg": quoted})
		} else {
			fmt.Fprintf(w, "<pre>%s</pre>", quoted)
		}
	}
}

func TestNoSecretIsEverPrinted(t *testing.T) {
	iam := newFakeIAM(t)
	issue := iam.Config.Handler
	iam.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		issue.ServeHTTP(suffixed{w}, r)
	})
	password, err := Password(PasswordConfig{Endpoint: iam.URL, Domain: "d", Username: "u", Project: "r"}, canary)
	if err != nil {
		t.Fatal(err)
	}
	for name, auth := range map[string]Auth{
		"token": Token(canary), "AK/SK": AKSK(canary+"-ak", canary+"-sk", canary+"-st"), "password": password,
	} {
		t.Run(name, func(t *testing.T) {
			mustNotSing(t, "Auth", auth)
			for _, status := range []int{200, 302, 401, 403, 500, 504} {
				for _, asJSON := range []bool{false, true} {
					api := newRecorder(t, echo(status, asJSON))
					cfg := Config{Endpoint: api.URL, ProjectID: project, Auth: auth}
					c, err := New(cfg)
					if err != nil {
						t.Fatal(err)
					}
					mustNotSing(t, "Config", cfg)
					mustNotSing(t, "Client", c)
					mustNotSing(t, "*Client", *c)
					err = c.Retry(t.Context(), "1")
					if err == nil {
						t.Fatalf("%d is no error", status)
					}
					mustNotSing(t, "Retry's error", err)
					_, err = c.Query(t.Context(), []string{"1"})
					mustNotSing(t, "Query's error", err)
					closeIdle(c.transport)
					api.Close()
				}
			}
		})
	}
	password.(renewer).close()
}

// suffixed puts the canary into the tokens that IAM issues.
type suffixed struct{ http.ResponseWriter }

func (s suffixed) WriteHeader(status int) {
	s.Header().Set("X-Subject-Token", s.Header().Get("X-Subject-Token")+canary)
	s.ResponseWriter.WriteHeader(status)
}

func TestRefusedLoginDoesNotPrintThePassword(t *testing.T) {
	iam := newFakeIAM(t)
	for _, handler := range []http.HandlerFunc{
		answering(401, `{"error":{"message":"`+canary+` is wrong"}}`), answering(500, canary),
		answering(201, `{"access_token":"token-`+canary[:6]+`"}`), // a token where none belongs
	} {
		iam.failing(handler)
		auth, err := Password(PasswordConfig{Endpoint: iam.URL, Domain: "d", Username: "u", Project: "r"}, canary)
		if err != nil {
			t.Fatal(err)
		}
		a := auth.(*passwordAuth)
		if _, err = a.token(t.Context()); err == nil {
			t.Fatal("a refused login is no error")
		}
		mustNotSing(t, "the login's error", err)
		if strings.Contains(err.Error(), "token-") {
			t.Errorf("the login's error shows a token: %v", err)
		}
		a.close()
	}
}

func TestCredentialsThatCannotBeSentAreRefusedUnprinted(t *testing.T) {
	for _, auth := range []Auth{
		Token(""), Token(canary + "\n"), Token(canary + " x"), Token(canary + "ü"),
		AKSK("", canary, ""), AKSK(canary, "", ""), AKSK(canary+"\r\n", canary, ""), AKSK(canary, canary, canary+"\n"),
	} {
		_, err := New(Config{Endpoint: "https://mpc.example.com", ProjectID: project, Auth: auth})
		if err == nil {
			t.Errorf("%v was accepted", auth)
		}
		mustNotSing(t, "New's error", err)
	}
	for _, endpoint := range []string{"https://u:" + canary + "@mpc.example.com", "https://u:" + canary + "@mpc example%zz"} {
		_, err := New(Config{Endpoint: endpoint, ProjectID: project, Auth: Token("t")})
		if err == nil {
			t.Errorf("%s was accepted", endpoint)
		}
		mustNotSing(t, "New's error", err)
	}
}
