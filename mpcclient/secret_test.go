package mpcclient

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const canary = "CANARY-9f27"

// mustNotLeak looks for the canary in every way of printing v.
func mustNotLeak(t *testing.T, what string, v any) {
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

// echo is a gateway that quotes everything it received, as real ones quote a rejected
// access key.
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
	agency := newFakeNode(t).auth(t)
	for name, auth := range map[string]Auth{
		"token": Token(canary), "AK/SK": AKSK(canary+"-ak", canary+"-sk", canary+"-st"), "password": password, "agency": agency,
	} {
		t.Run(name, func(t *testing.T) {
			mustNotLeak(t, "Auth", auth)
			for _, status := range []int{200, 302, 401, 403, 500, 504} {
				for _, asJSON := range []bool{false, true} {
					api := newRecorder(t, echo(status, asJSON))
					cfg := Config{Endpoint: api.URL, ProjectID: project, Auth: auth}
					c, err := New(cfg)
					if err != nil {
						t.Fatal(err)
					}
					mustNotLeak(t, "Config", cfg)
					mustNotLeak(t, "Client", c)
					mustNotLeak(t, "*Client", *c)
					err = c.Retry(t.Context(), "1")
					if err == nil {
						t.Fatalf("%d is no error", status)
					}
					mustNotLeak(t, "Retry's error", err)
					_, err = c.Query(t.Context(), []string{"1"})
					mustNotLeak(t, "Query's error", err)
					closeIdle(c.conns.kept)
					api.Close()
				}
			}
		})
	}
	password.(renewer).close()
	agency.close()
}

// suffixed adds the canary to the tokens that IAM issues.
type suffixed struct{ http.ResponseWriter }

func (s suffixed) WriteHeader(status int) {
	s.Header().Set("X-Subject-Token", s.Header().Get("X-Subject-Token")+canary)
	s.ResponseWriter.WriteHeader(status)
}

func TestRefusedLoginDoesNotPrintThePassword(t *testing.T) {
	iam := newFakeIAM(t)
	for _, handler := range []http.HandlerFunc{
		answering(401, `{"error":{"message":"`+canary+` is wrong"}}`), answering(500, canary),
		answering(201, `{"access_token":"token-`+canary[:6]+`"}`), // a token in the wrong place
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
		mustNotLeak(t, "the login's error", err)
		if strings.Contains(err.Error(), "token-") {
			t.Errorf("the login's error shows a token: %v", err)
		}
		a.close()
	}
}

// spellings are how proxies, firewalls and frameworks quote what they received.
var spellings = map[string]func(string) string{
	"as it came": func(s string) string { return s },
	"JSON, as Go writes it": func(s string) string {
		quoted, _ := json.Marshal(s)
		return string(quoted)
	},
	"JSON, plain":        func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) },
	"JSON, slashes":      func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `/`, `\/`).Replace(s) },
	"JSON, ASCII":        func(s string) string { return strings.Trim(strconv.QuoteToASCII(s), `"`) },
	"HTML":               html.EscapeString,
	"HTML, other quotes": strings.NewReplacer("&", "&#x26;", `"`, "&quot;", "<", "&lt;").Replace,
	"URL, query":         url.QueryEscape,
	"URL, path":          url.PathEscape,
	"base64":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, within":     func(s string) string { return "Basic" + base64.RawURLEncoding.EncodeToString([]byte("u:"+s)) },
	"hex":                func(s string) string { return hex.EncodeToString([]byte(s)) },
	"URL, lower case":    strings.NewReplacer("%", "%25", "&", "%26", "/", "%2f", "+", "%2b", " ", "%20").Replace,
}

// The credentials contain the canary twice: an unrecognized part of a credential leaks one
// of them.
func TestNoSecretIsPrintedInAnySpelling(t *testing.T) {
	const header, password = canary + `/+=&"<%` + canary, canary + `\&"<>/+ü  %` + canary
	for inside, outer := range spellings {
		for name, inner := range spellings {
			spell := func(s string) string { return outer(inner(s)) }
			login := newRecorder(t, nil)
			api := newRecorder(t, nil)
			var wrap string
			quote := func(secret string) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					quoted := spell("the password of this: " + secret)
					w.Header().Set("X-Request-Id", quoted)
					w.WriteHeader(403)
					switch message, _ := json.Marshal(quoted); wrap {
					case "page":
						fmt.Fprintf(w, "<html> %s", quoted)
					case "API":
						fmt.Fprintf(w, `{"error_code":%s,"error_msg":%[1]s,"request_id":%[1]s}`, message)
					case "IAM":
						fmt.Fprintf(w, `{"error":{"message":%s}}`, message)
					}
				}
			}
			login.Config.Handler, api.Config.Handler = quote(password), quote(header)
			for _, wrap = range []string{"page", "API", "IAM"} {
				auth, err := Password(PasswordConfig{Endpoint: login.URL, Domain: "d", Username: "u", Project: "r"}, password)
				if err != nil {
					t.Fatal(err)
				}
				c := newClient(t, login.URL, func(cfg *Config) { cfg.Auth = auth })
				mustNotLeak(t, "the login's error, "+name+" inside "+inside+", "+wrap, c.Retry(t.Context(), "1"))
				c = newClient(t, api.URL, func(cfg *Config) { cfg.Auth = AKSK("ak", header, "") })
				err = c.Retry(t.Context(), "1")
				mustNotLeak(t, "the call's error, "+name+" inside "+inside+", "+wrap, err)
			}
			login.Close()
			api.Close()
		}
	}
}

func TestBlanksAreNotJoinedBeforeASecretIsFound(t *testing.T) {
	e := readError(answer{status: 502, body: []byte("you sent " + canary + "  and more")}, newSecret(canary+"  and more"))
	mustNotLeak(t, "the extract", e.Message)
}

// Another server that answers a login may quote it in many encodings.
func TestOnlyIAMsOwnWordsAreShownOfARefusedLogin(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":400,"message":"no such domain","title":"Bad Request"}}`: "no such domain",
		`{"error":{"code":403,"title":"Forbidden"}}`:                              "Forbidden",
		`<html>you sent {"password":"gnatsum"}</html>`:                            "",
		`{"error_msg":"you sent gnatsum"}`:                                        "",
		`{"error":{"message":"you sent`:                                           "",
	} {
		iam := newFakeIAM(t)
		iam.failing(answering(403, body))
		e := tokenFailure(t, iam.auth(t), Operator)
		if e.Message != want || (want == "") != strings.Contains(e.Advice, "not an answer of IAM") && !strings.Contains(body, "error_msg") {
			t.Errorf("%s: %v", body, e)
		}
	}
}

// net/http quotes what it cannot read.
func TestCausesDoNotPrintWhatAServerEchoes(t *testing.T) {
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", r.Header.Get("X-Auth-Token"))
		_ = conn.Close()
	})
	e := failure(t, newClient(t, api.URL, func(cfg *Config) { cfg.Auth = Token(canary) }).Retry(t.Context(), "1"), Lost)
	if !strings.Contains(e.Err.Error(), redacted) {
		t.Errorf("the cause quotes nothing, so this tries nothing: %v", e.Err)
	}
	mustNotLeak(t, "the error", e)
	mustNotLeak(t, "its cause", e.Err)
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
		mustNotLeak(t, "New's error", err)
	}
	for _, endpoint := range []string{"https://u:" + canary + "@mpc.example.com", "https://u:" + canary + "@mpc example%zz"} {
		_, err := New(Config{Endpoint: endpoint, ProjectID: project, Auth: Token("t")})
		if err == nil {
			t.Errorf("%s was accepted", endpoint)
		}
		mustNotLeak(t, "New's error", err)
	}
}
