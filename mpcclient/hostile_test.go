package mpcclient

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
)

func gzipped(plain string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, plain)
	_ = w.Close()
	return b.String()
}

// newBomb unpacks to 16 MB.
func newBomb() string { return gzipped(strings.Repeat("\x00", 16<<20)) }

// wire answers with the given bytes.
func wire(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		for _, part := range parts {
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
	}
}

// endless writes part after part until the client disconnects.
func endless(start, part string, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, err = io.WriteString(conn, start)
		for err == nil {
			_, err = io.WriteString(conn, part)
			time.Sleep(pause)
		}
	}
}

const (
	ok     = "HTTP/1.1 200 OK\r\n"
	denied = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
)

// Whatever the answer, it is read within limits and within the timeout, has a class, and a
// text fit for a terminal.
func TestHostileAnswersAreBoundedAndHaveTheirClass(t *testing.T) {
	bomb := newBomb()
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<16, strings.Repeat(" ", 1<<16))
	tests := map[string]struct {
		answer http.HandlerFunc
		want   Class
	}{
		"endless body":             {endless(ok+"Transfer-Encoding: chunked\r\n\r\n", chunk, 0), Lost},
		"endless refusal":          {endless(denied+"Transfer-Encoding: chunked\r\n\r\n", chunk, 0), Operator},
		"dripping body":            {endless(ok+"Content-Length: 1000000\r\n\r\n", " ", time.Millisecond), Lost},
		"dripping refusal":         {endless(denied+"Content-Length: 1000000\r\n\r\n", " ", time.Millisecond), Transient},
		"dripping headers":         {endless(ok, "X-A: b\r\n", time.Millisecond), Lost},
		"dripping header":          {endless(ok+"X-A: ", "b", time.Millisecond), Lost},
		"10 MB of headers":         {wire(ok, strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 10_000), "\r\n"), Lost},
		"one header of 10 MB":      {wire(ok, "X-A: ", strings.Repeat("b", 10<<20), "\r\n\r\n"), Lost},
		"endless headers":          {endless(ok, "X-A: "+strings.Repeat("b", 1000)+"\r\n", 0), Lost},
		"endless status line":      {endless("HTTP/1.1 200 ", strings.Repeat("O", 1000), 0), Lost},
		"flood of 1xx":             {endless("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0), Lost},
		"dripping 1xx":             {endless("", "HTTP/1.1 100 Continue\r\n\r\n", time.Millisecond), Lost},
		"gzip bomb":                {wire(ok, "Content-Encoding: gzip\r\nContent-Length: ", fmt.Sprint(len(bomb)), "\r\n\r\n", bomb), Lost},
		"gzip bomb in a refusal":   {wire(denied, "Content-Length: ", fmt.Sprint(len(bomb)), "\r\n\r\n", bomb), Operator},
		"small bomb":               {wire(ok, "\r\n", gzipped("{}"+strings.Repeat(" ", maxBody))), Lost},
		"gzip that is cut":         {wire(ok, "\r\n", gzipped("{}")[:15]), Lost},
		"gzip in gzip":             {wire(ok, "\r\n", gzipped(gzipped("{}"))), Lost},
		"unknown coding":           {wire(ok, "Content-Encoding: br\r\nContent-Length: 4\r\n\r\n", "\x0b\x01\x80\x7b"), Lost},
		"length too long":          {wire(ok, "Content-Length: 100\r\n\r\n{}"), Lost},
		"length too long, refusal": {wire(denied, "Content-Length: 100\r\n\r\n", `{"error_code":"MPC.10211"}`), Transient},
		"length too short":         {wire(ok, "Content-Length: 5\r\n\r\n", `{"error_code":"MPC.10212"}`), Lost},
		"length of a terabyte":     {wire(ok, "Content-Length: 1099511627776\r\n\r\n{}"), Lost},
		"length below zero":        {wire(ok, "Content-Length: -1\r\n\r\n{}"), Lost},
		"two lengths":              {wire(ok, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"), Lost},
		"chunk of a terabyte":      {wire(ok, "Transfer-Encoding: chunked\r\n\r\n10000000000\r\n{}"), Lost},
		"chunk without a length":   {wire(ok, "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"), Lost},
		"control characters": {answering(403, `{"error_code":"MPC\u001b[2J.1","error_msg":"a\u001b]0;owned\u0007b\u0000\u202ec\u2028d\u009be`+
			`","request_id":"\r\nlevel=info"}`), Operator},
		"deep JSON": {answering(403, strings.Repeat("[", maxBody)), Operator},
		"HTTP/2":    {wire("\x00\x00\x12\x04\x00\x00\x00\x00\x00"), Lost},
		"nothing":   {wire(), Lost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newRecorder(t, test.answer)
			c := newClient(t, api.URL, func(cfg *Config) { cfg.Timeout = hangTimeout })
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			err := c.Retry(t.Context(), "1")
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
				t.Errorf("%d MB were allocated", grown>>20)
			}
			e := failure(t, err, test.want)
			text := e.Error()
			if len(text) > 8<<10 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("the error's text has %d bytes: %.300q", len(text), text)
			}
			for _, field := range []string{e.Code, e.Message, e.RequestID} {
				if len(field) > maxMessage || strings.ContainsFunc(field, func(r rune) bool { return !unicode.IsGraphic(r) }) {
					t.Errorf("a field has %d bytes: %.300q", len(field), field)
				}
			}
			if test.want == Lost && name != "unknown coding" {
				_, err = c.Query(t.Context(), []string{"1"})
				failure(t, err, Transient)
			}
		})
	}
}

// Gateways and CDNs compress without being asked.
func TestCompressedAnswersAreRead(t *testing.T) {
	for _, header := range []string{"gzip", "x-gzip", ""} {
		pack := func(status int, body string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Accept-Encoding"); got != "identity" {
					t.Errorf("Accept-Encoding is %q", got)
				}
				if header != "" {
					w.Header().Set("Content-Encoding", header)
				}
				answering(status, gzipped(body))(w, r)
			}
		}
		if err := newClient(t, newRecorder(t, pack(200, "")).URL).Retry(t.Context(), "1"); err != nil {
			t.Errorf("an empty answer: %v", err)
		}
		e := failure(t, newClient(t, newRecorder(t, pack(403, `{"error_code":"MPC.10211","error_msg":"no"}`)).URL).Retry(t.Context(), "1"), TaskNotFound)
		if e.Message != "no" {
			t.Errorf("got %+v", *e)
		}
		tasks, err := newClient(t, newRecorder(t, pack(200, `{"total":1,"tasks":[{"task_id":1,"status":"FAILED"}]}`)).URL).Query(t.Context(), []string{"1"})
		if err != nil || tasks["1"].Status != StatusFailed {
			t.Errorf("got %v, %v", tasks, err)
		}
	}
}

func TestLongHeadersAndTokensAreTaken(t *testing.T) {
	long := strings.Repeat("t", 128<<10)
	iam := newFakeIAM(t)
	iam.failing(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Subject-Token", long)
		w.Header().Set("Date", iam.clock.Now().Format(http.TimeFormat))
		answering(201, `{"token":{"roles":"`+strings.Repeat("r", maxBody)+`","expires_at":"2026-11-24T08:00:00.000000Z"}}`)(w, r)
	})
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Auth-Token") != long {
			t.Errorf("a token of %d bytes came", len(r.Header.Get("X-Auth-Token")))
		}
		w.Header().Set("X-Trace", strings.Repeat("x", 250<<10))
	})
	auth := iam.auth(t)
	c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth = auth })
	if err := c.Retry(t.Context(), "1"); err != nil {
		t.Error(err)
	}
	got, err := auth.token(t.Context())
	if life := got.expires.Sub(iam.clock.Now()); err != nil || life != 24*time.Hour {
		t.Errorf("its life is %v, %v", life, err)
	}
}

func TestHostileLoginsAreBounded(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"endless headers": endless("HTTP/1.1 201 Created\r\n", "X-A: "+strings.Repeat("b", 1000)+"\r\n", 0),
		"dripping":        endless("HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n", " ", time.Millisecond),
		"bomb":            wire("HTTP/1.1 500 No\r\n\r\n", newBomb()),
	} {
		t.Run(name, func(t *testing.T) {
			iam := newFakeIAM(t)
			iam.failing(answer)
			_, err := iam.auth(t, func(cfg *PasswordConfig) { cfg.Timeout = hangTimeout }).token(t.Context())
			var e *Error
			if !errors.As(err, &e) || e.Class != Transient {
				t.Errorf("got %v", err)
			}
		})
	}
}
