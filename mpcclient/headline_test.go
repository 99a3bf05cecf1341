package mpcclient

import (
	"net/http"
	"strings"
	"testing"
)

// The engineer on call reads the headline first: it must say what to do.
func TestEachAnswerThatNeedsAnOperatorHasAHeadline(t *testing.T) {
	for code, v := range verdicts {
		got := headline(code, v.advice)
		switch {
		case v.advice == adviceRefused: // its headline depends on the credentials
		case v.class == Operator && (!strings.Contains(got, ": ") || len(got) > 90):
			t.Errorf("%s has the headline %q", code, got)
		case v.class != Operator && got != "":
			t.Errorf("%s, %s, has the headline %q", code, v.class, got)
		}
	}
}

func TestTheHeadlineNamesTheCredentialsInUse(t *testing.T) {
	for want, auth := range map[string]Auth{
		"MPC rejects our credentials: renew MPC_AUTH_TOKEN":                                        Token("t"),
		"MPC rejects our credentials: check MPC_ACCESS_KEY and MPC_SECRET_KEY":                     AKSK("a", "s", ""),
		"MPC rejects our credentials: renew MPC_ACCESS_KEY, MPC_SECRET_KEY and MPC_SECURITY_TOKEN": AKSK("a", "s", "t"),
	} {
		api := newRecorder(t, answering(http.StatusUnauthorized, `{"error_code":"APIG.0301","error_msg":"no"}`))
		c := newClient(t, api.URL, func(c *Config) { c.Auth = auth })
		if e := failure(t, c.Retry(t.Context(), "1"), Operator); e.Headline != want {
			t.Errorf("%q, want %q", e.Headline, want)
		}
	}
}

func TestAnOutageThatPassesHasNoHeadline(t *testing.T) {
	api := newRecorder(t, answering(http.StatusServiceUnavailable, ""))
	if e := failure(t, newClient(t, api.URL).Retry(t.Context(), "1"), Transient); e.Headline != "" {
		t.Errorf("%q", e.Headline)
	}
}
