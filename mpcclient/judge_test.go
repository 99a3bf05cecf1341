package mpcclient

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := newClock().Now()
	for value, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-5":                            0,
		"1.5":                           0,
		"0":                             0,
		" 7 ":                           7 * time.Second,
		"3600":                          time.Hour,
		"3601":                          time.Hour,
		"18446744073709551615":          time.Hour,
		"99999999999999999999999":       time.Hour,
		"Mon, 23 Nov 2026 08:00:30 GMT": 30 * time.Second,
		"Mon, 23 Nov 2026 07:59:30 GMT": 0,
		"Mon, 23 Nov 2099 08:00:30 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %s, want %s", value, got, want)
		}
	}
	// Both times of an answer are from one clock, however far it is from ours.
	theirs := http.Header{"Date": {"Mon, 23 Nov 2026 10:00:00 GMT"}, "Retry-After": {"Mon, 23 Nov 2026 10:00:30 GMT"}}
	if got := retryAfter(theirs, now); got != 30*time.Second {
		t.Errorf("by a clock that is two hours ahead: %s", got)
	}
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "7")
		answering(429, `{"error_code":"APIG.0308"}`)(w, r)
	})
	if e := failure(t, newClient(t, api.URL).Retry(t.Context(), "1"), Throttled); e.RetryAfter != 7*time.Second {
		t.Errorf("got %+v", *e)
	}
}

func TestClockSkewIsMeasuredWhereASignatureIsRefused(t *testing.T) {
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", newClock().Now().Format(http.TimeFormat))
		answering(401, `{"error_code":"APIG.0301","error_msg":"Incorrect IAM authentication information"}`)(w, r)
	})
	for skew, want := range map[time.Duration]string{
		20 * time.Minute: "20m0s ahead of", -16 * time.Minute: "16m0s behind", 15 * time.Minute: "", -14 * time.Minute: "",
	} {
		clock := newClock()
		clock.advance(skew)
		c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = AKSK("ak", "sk", ""), clock.Now })
		e := failure(t, c.Retry(t.Context(), "1"), Operator)
		if !strings.Contains(e.Advice, want) || (want == "") == strings.Contains(e.Advice, "clock") {
			t.Errorf("%s: advice is %q", skew, e.Advice)
		}
		unsigned := newClient(t, api.URL, func(cfg *Config) { cfg.Now = clock.Now })
		if e := failure(t, unsigned.Retry(t.Context(), "1"), Operator); strings.Contains(e.Advice, "clock") {
			t.Errorf("%s, and nothing is signed: advice is %q", skew, e.Advice)
		}
	}
}

// Every attempt within the five minutes fails, even with corrected keys.
func TestLockedKeyIsLeftAloneUntilItIsUnlocked(t *testing.T) {
	api := newRecorder(t, answering(401, `{"error_code":"APIG.0301",`+
		`"error_msg":"Incorrect IAM authentication information: AK access failed to reach the limit,forbidden."}`))
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = AKSK("ak", "sk", "") })
	if e := failure(t, c.Retry(t.Context(), "1"), Operator); e.RetryAfter != 5*time.Minute || !strings.Contains(e.Advice, "locked") {
		t.Errorf("got %+v", *e)
	}
}

func TestAnswersOfOthersAreShownInShort(t *testing.T) {
	tests := []struct{ name, body, code, message string }{
		{"html", "<html>\n\t<b>Blocked\x00\x1b[31m</b>\n", "", "text/html: <html> <b>Blocked  [31m</b>"},
		{"not UTF-8", "a\xff\xfeb", "", "text/html: a\uFFFDb"},
		{"long", strings.Repeat("ü", 500), "", "text/html: " + strings.Repeat("ü", 94)},
		{"numbers", `{"error_code":42,"error_msg":7,"request_id":9}`, "42", "7"},
		{"odd fields", `{"error_code":"MPC.10212","error_msg":{"en":"no"},"request_id":null}`, "MPC.10212", `{"en":"no"}`},
		{"IAM", `{"error":{"code":401,"message":"no","title":"Unauthorized"}}`, "", "no"},
		{"long message", `{"error_code":"X","error_msg":"` + strings.Repeat("ü", 1000) + `"}`, "X", strings.Repeat("ü", 512)},
		{"empty", "", "", ""},
	}
	for _, test := range tests {
		e := readError(answer{
			status: 403, header: http.Header{"Content-Type": {"text/html"}}, body: []byte(test.body),
		}, secret{})
		if e.Code != test.code || e.Message != test.message || !utf8.ValidString(e.Message) {
			t.Errorf("%s: got code %q, message %q", test.name, e.Code, e.Message)
		}
	}
}

// The text after the code may show that the answer is not MPC's.
func TestTooLongRefusalIsJudgedByItsStatus(t *testing.T) {
	api := newRecorder(t, answering(403, `{"error_code":"MPC.10211"}`+strings.Repeat(" ", maxBody)+"<html>"))
	if e := failure(t, newClient(t, api.URL).Retry(t.Context(), "1"), Operator); e.Code != "" || e.Message == "" || !errors.Is(e, errTooLong) {
		t.Errorf("got %+v", *e)
	}
}

func TestErrorTextNamesWhatWasAttemptedAndWhatCame(t *testing.T) {
	e := &Error{
		Operation: OperationRetry, Class: Operator, Status: 403, Code: "APIG.0306", Message: "no",
		RequestID: "r-1", Advice: "do this", Err: http.ErrBodyNotAllowed,
	}
	const want = `MPC retry: operator: HTTP 403 APIG.0306 "no": http: request method or response status code ` +
		`does not allow body (request id r-1): do this`
	if got := e.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (&Error{Operation: OperationLogin, Class: Transient}).Error(); got != "IAM login: transient" {
		t.Errorf("got %s", got)
	}
}
