package mpcclient

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxRetryAfter = time.Hour
	maxSkew       = 15 * time.Minute // of the clock for signatures
	maxMessage    = 1 << 10          // in bytes, of one text from an answer
	maxExcerpt    = 200              // in bytes, of an answer that is no API error

	// The gateway rejects a key for five minutes after five failed signatures in a row;
	// every further attempt in that time fails too ("Common Errors Related to IAM
	// Authentication Information").
	keyLocked  = "AK access failed to reach the limit"
	keyLockFor = 5 * time.Minute
)

// judge converts an unsuccessful answer to an error with its meaning.
func (c *Client) judge(operation string, a answer) *Error {
	e := readError(a, c.secrets)
	e.Operation = operation
	v := classify(a.status, e.Code, e.Message)
	e.Class, e.Advice, e.Headline = v.class, v.advice, headline(e.Code, v.advice)
	if e.Class == Lost {
		e.Class = c.lostAnswer(operation)
	}
	if a.truncated {
		e.Err = errTooLong
	}
	e.RetryAfter = retryAfter(a.header, c.now())
	if e.Advice == adviceRefused {
		e.Advice, e.Headline = c.auth.refusal(), rejected+c.auth.renewal()
		switch c.auth.(type) {
		case akskAuth, *agencyAuth: // they sign
			if skew := clockSkew(a.header, c.now()); skew != "" {
				e.Advice, e.Headline = e.Advice+skew, rejected+"set this machine's clock"
			}
		}
		if strings.Contains(e.Message, keyLocked) {
			e.Advice += "; until then the gateway has locked the key for five minutes"
			e.RetryAfter = max(e.RetryAfter, keyLockFor)
		}
	}
	return e
}

// redactor removes credentials from a text from outside.
type redactor interface{ redact(text string) string }

type redactors []redactor

func (all redactors) redact(text string) string {
	for _, b := range all {
		text = b.redact(text)
	}
	return text
}

// readError reads what a gateway, MPC or IAM says about a refusal.
func readError(a answer, secrets redactor) *Error {
	var wire struct {
		ErrorCode lenientString `json:"error_code"`
		ErrorMsg  lenientString `json:"error_msg"`
		RequestID lenientString `json:"request_id"`
	}
	e := &Error{Status: a.status}
	if a.decode(&wire) == nil {
		e.Code = clean(strings.TrimSpace(string(wire.ErrorCode)), secrets)
		e.Message = clean(string(wire.ErrorMsg), secrets)
		e.RequestID = clean(string(wire.RequestID), secrets)
	}
	if e.Message == "" {
		e.Message = clean(iamMessage(a), secrets)
	}
	if e.Code == "" && e.Message == "" && len(a.body) > 0 {
		e.Message = excerpt(a, secrets)
	}
	if e.RequestID == "" {
		e.RequestID = clean(a.header.Get("X-Request-Id"), secrets)
	}
	return e
}

// iamMessage is the message of an error in IAM's format.
func iamMessage(a answer) string {
	var wire struct {
		Error struct {
			Title   lenientString `json:"title"`
			Message lenientString `json:"message"`
		} `json:"error"`
	}
	if a.decode(&wire) != nil {
		return ""
	}
	return string(cmp.Or(wire.Error.Message, wire.Error.Title))
}

// excerpt is the start of an answer that is not an API error, on one line. Credentials are
// redacted before spaces are joined: one with two spaces would not be recognized
// afterwards.
func excerpt(a answer, secrets redactor) string {
	text := string(a.body)
	if kind := a.header.Get("Content-Type"); kind != "" {
		text = kind + ": " + text
	}
	return cut(printable(strings.Join(strings.Fields(secrets.redact(text)), " ")), maxExcerpt)
}

// clean makes a text from outside fit for a log line.
func clean(text string, secrets redactor) string {
	return cut(printable(secrets.redact(text)), maxMessage)
}

// lenientString is any JSON value: strings without their quotes, others as written. One odd
// field must not hide the others.
type lenientString string

func (l *lenientString) UnmarshalJSON(data []byte) error {
	switch {
	case data[0] == '"':
		return json.Unmarshal(data, (*string)(l))
	case string(data) != "null":
		*l = lenientString(data)
	}
	return nil
}

// printable replaces what would garble a log line or a terminal: control characters, and
// characters that change the text direction.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// cut shortens s to at most n bytes, at a character boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// retryAfter reads the header's two forms, seconds and a date (RFC 9110, section 10.2.3).
// More than an hour counts as an hour: the next answer will repeat it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	var wait time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		wait = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(theirNow(h, now))
	}
	return min(max(wait, 0), maxRetryAfter)
}

// theirNow is the time by the answering server's clock, so that a wrong one here does no
// harm; now if the answer has no Date.
func theirNow(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// clockSkew describes how far this machine's clock is from the API's, if that is why a
// signature was rejected.
func clockSkew(h http.Header, now time.Time) string {
	skew, where := now.Sub(theirNow(h, now)).Round(time.Second), "ahead of"
	if skew < 0 {
		skew, where = -skew, "behind"
	}
	if skew <= maxSkew {
		return ""
	}
	return fmt.Sprintf("; this machine's clock is %s %s the API's, and more than %s is rejected: correct it", skew, where, maxSkew)
}

// networkAdvice recognizes failures that do not pass by themselves.
func networkAdvice(err error) string {
	var (
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, errProxy):
		return "check HTTPS_PROXY, and whether the proxy lets calls to this host through"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the host name is unknown: check the endpoint and this machine's name server"
	case errors.As(err, &cert):
		return "the server's certificate is not trusted: check the endpoint and this machine's clock; name a private authority in MPC_CA_FILE"
	}
	return ""
}
