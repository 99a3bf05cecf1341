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
	maxSkew       = 15 * time.Minute // of the clock that dates a signature
	maxMessage    = 1 << 10
	maxExcerpt    = 200

	// The gateway refuses a key for five minutes after five failed signatures in a row; each further attempt in
	// that time fails too ("Common Errors Related to IAM Authentication Information").
	keyLocked  = "AK access failed to reach the limit"
	keyLockFor = 5 * time.Minute
)

// judge turns an answer that is no success into an error that says what it means.
func (c *Client) judge(operation string, a answer) *Error {
	e := readError(a, c.secrets)
	e.Operation = operation
	v := classify(a.status, e.Code, e.Message)
	e.Class, e.Advice, e.Headline = v.class, v.advice, headline(e.Code, v.advice)
	if e.Class == Lost {
		e.Class = c.lost(operation)
	}
	if a.cut {
		e.Err = errCut
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

// blanker removes credentials from a text that came from outside.
type blanker interface{ blank(text string) string }

type blankers []blanker

func (all blankers) blank(text string) string {
	for _, b := range all {
		text = b.blank(text)
	}
	return text
}

// readError reads what a gateway, MPC or IAM says about a refusal.
func readError(a answer, secrets blanker) *Error {
	var wire struct {
		ErrorCode loose `json:"error_code"`
		ErrorMsg  loose `json:"error_msg"`
		RequestID loose `json:"request_id"`
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

// iamMessage is what an error in IAM's form says.
func iamMessage(a answer) string {
	var wire struct {
		Error struct {
			Title   loose `json:"title"`
			Message loose `json:"message"`
		} `json:"error"`
	}
	if a.decode(&wire) != nil {
		return ""
	}
	return string(cmp.Or(wire.Error.Message, wire.Error.Title))
}

// excerpt shows the beginning of an answer that is no API error, on one line. It is without credentials before blanks are
// joined: one with two blanks in it would not be recognised.
func excerpt(a answer, secrets blanker) string {
	text := string(a.body)
	if kind := a.header.Get("Content-Type"); kind != "" {
		text = kind + ": " + text
	}
	return cut(printable(strings.Join(strings.Fields(secrets.blank(text)), " ")), maxExcerpt)
}

// clean makes a text from outside fit for a log line.
func clean(text string, secrets blanker) string {
	return cut(printable(secrets.blank(text)), maxMessage)
}

// loose is any JSON value: strings without their quotes, the rest as it came. One odd field must not hide the others.
type loose string

func (l *loose) UnmarshalJSON(data []byte) error {
	switch {
	case data[0] == '"':
		return json.Unmarshal(data, (*string)(l))
	case string(data) != "null":
		*l = loose(data)
	}
	return nil
}

// printable replaces what would garble a log line or a terminal: control characters, and those that change the
// direction of what follows.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// cut shortens s to at most n bytes, at a character's boundary.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// retryAfter reads the header's two forms, seconds and a date (RFC 9110, section 10.2.3). A longer time than an hour is
// taken as an hour: the next answer will say so again.
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

// theirNow is the time by the clock of whoever answered, so that a wrong one here does no harm; now, if it is not told.
func theirNow(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// clockSkew says how far this machine's clock is from the API's, if that is why a signature was refused.
func clockSkew(h http.Header, now time.Time) string {
	skew, where := now.Sub(theirNow(h, now)).Round(time.Second), "ahead of"
	if skew < 0 {
		skew, where = -skew, "behind"
	}
	if skew <= maxSkew {
		return ""
	}
	return fmt.Sprintf("; this machine's clock is %s %s the API's, and more than %s is refused: set it", skew, where, maxSkew)
}

// networkAdvice knows the failures that will not pass by themselves.
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
		return "the server's certificate is not trusted: check the endpoint, this machine's clock and its trusted certificates"
	}
	return ""
}
