package mpcclient

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A gateway quotes the start of a token that it rejects, or a field of its log truncates
// it.
func TestPartsOfASecretAreRedacted(t *testing.T) {
	token := "MIIF" + strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 3) + canary + "tail-of-the-token"
	for name, quoted := range map[string]string{
		"beginning":            "token " + token[:40] + "... is not valid",
		"end":                  "token ..." + token[len(token)-40:] + " is not valid",
		"middle":               "token ..." + token[11:91] + "... is not valid",
		"beginning, in base64": "sent " + base64.StdEncoding.EncodeToString([]byte("x:" + token[:60]))[:60] + " to us",
		"twice":                token[:30] + " and " + token[50:90],
		"beginning, in a URL":  "?token=" + strings.ReplaceAll(token[:40], "I", "%49"),
	} {
		for _, status := range []int{401, 403, 407, 502} {
			api := newRecorder(t, answering(status, `{"error_code":"APIG.0301","error_msg":"`+quoted+`"}`))
			c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = Token(token) })
			var e *Error
			if err := c.Retry(t.Context(), "1"); !errors.As(err, &e) || e.Message == "" {
				t.Fatalf("%s: %v", name, err)
			}
			for at := 0; at+16 <= len(token); at++ {
				if text := e.Error(); strings.Contains(text, token[at:at+16]) || strings.Contains(text, "sent ") {
					t.Errorf("%s: %s", name, text)
					break
				}
			}
		}
	}
	if got := newSecret("0123456789abcdef0123456789").redact("task 0123456 is not known"); got != "task 0123456 is not known" {
		t.Errorf("a word is taken for a part: %s", got)
	}
}

func TestProxyThatQuotesItsCredentialsDoesNotShowThem(t *testing.T) {
	proxy := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Proxy-Authorization")
		plain, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header, "Basic "))
		if err != nil || !strings.Contains(string(plain), canary) {
			t.Errorf("the proxy got %q, so this tries nothing", header)
		}
		w.Header().Set("X-Request-Id", header)
		w.WriteHeader(407)
		fmt.Fprintf(w, "<html>you sent %s, which is %s</html>", header, plain)
	})
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("user", canary+canary)
	c := newClient(t, "http://mpc.example.com", func(cfg *Config) {
		transport := newTransport(1)
		transport.Proxy = http.ProxyURL(u)
		cfg.Transport, cfg.AllowInsecure = transport, true
	})
	e := failure(t, c.Retry(t.Context(), "1"), Operator)
	mustNotLeak(t, "the error", e)
	if text := e.Error(); strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("user:" + canary))[:20]) || !strings.Contains(text, "HTTPS_PROXY") {
		t.Error(text)
	}
}
