package mpcclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/testsecrets"
)

// keysOf is an answer of the metadata service; its keys must never be shown.
func keysOf(s testsecrets.Secrets) string {
	answer, _ := json.Marshal(map[string]any{"credential": map[string]string{
		"access": s.Generate("access"), "secret": s.Generate("secret"), "securitytoken": s.Generate("security token"),
		"expires_at": "2026-11-24T08:00:00.000000Z",
	}})
	return string(answer)
}

// raw answers with bytes that need not be HTTP, and closes the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}
}

// Keys that are not known yet cannot be redacted: no part of an answer with keys may be
// shown.
func TestNoKeysOfAnAgencyComeOutWhateverIsWrongWithTheAnswer(t *testing.T) {
	s := testsecrets.Secrets{}
	keys, session := keysOf(s), s.Generate("session")
	quoted, _ := json.Marshal(keys)
	wrong := map[string]http.HandlerFunc{
		"truncated":         raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(keys)+100, keys)),
		"truncated JSON":    answering(200, keys[:len(keys)-3]),
		"broken JSON":       answering(200, strings.Replace(keys, ":", " ", 1)),
		"other JSON":        answering(200, `{"Credential":[`+keys+`]}`),
		"a wrong expiry":    answering(200, strings.Replace(keys, "2026-11-24T", "soon", 1)),
		"no expiry":         answering(200, strings.Replace(keys, "expires_at", "expires", 1)),
		"a long answer":     answering(200, keys+strings.Repeat(" ", maxBody)),
		"keys with a blank": answering(200, strings.Replace(keys, s["access"], s["access"]+" ", 1)),
		"202":               answering(202, keys),
		"as an API error":   answering(403, `{"error_code":`+string(quoted)+`,"error_msg":`+string(quoted)+`,"request_id":`+string(quoted)+`}`),
		"as an IAM error":   answering(500, `{"error":{"message":`+string(quoted)+`,"title":`+string(quoted)+`}}`),
		"in headers": func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range []string{"X-Request-Id", "Location", "Content-Type", "Retry-After", "Date"} {
				w.Header().Set(name, keys)
			}
			w.WriteHeader(302)
		},
		"no HTTP":           raw(keys + "\r\n\r\n"),
		"status line":       raw("HTTP/1.1 2x0 " + keys + "\r\n\r\n"),
		"header line":       raw("HTTP/1.1 200 OK\r\n" + keys[:1] + " " + keys[1:] + "\r\n\r\n"),
		"no header":         raw("HTTP/1.1 200 OK\r\n" + s["secret"] + "\r\n\r\n"),
		"transfer encoding": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + s["secret"] + "\r\n\r\n"),
		"length":            raw("HTTP/1.1 200 OK\r\nContent-Length: " + s["secret"] + "\r\n\r\n"),
		"chunk":             raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + keys + "\r\n"),
		"trailer":           raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + s["secret"] + "\r\n\r\n"),
		"after a 100":       raw("HTTP/1.1 100 " + keys + "\r\n\r\nHTTP/1.1 200 " + s["secret"] + "\r\n" + s["access"]),
	}
	for _, status := range []int{201, 204, 301, 400, 401, 403, 404, 405, 407, 408, 429, 500, 502, 503} {
		wrong[fmt.Sprint(status)] = answering(status, keys)
		wrong[fmt.Sprint(status, " in HTML")] = answering(status, "<html><pre>"+keys+"</pre></html>")
	}
	for name, answer := range wrong {
		for _, of := range []string{http.MethodPut, http.MethodGet} {
			t.Run(name+" to "+of, func(t *testing.T) {
				node, api := newFakeNode(t), newRecorder(t, answering(200, ""))
				node.failing(func(w http.ResponseWriter, r *http.Request) {
					switch r.Method {
					case of:
						answer(w, r)
					case http.MethodPut:
						answering(200, session)(w, r)
					default:
						answering(404, "")(w, r)
					}
				})
				auth := node.auth(t)
				auth.metadata.timeout = time.Second
				c := newClient(t, api.URL, func(cfg *Config) { cfg.Auth, cfg.Now = auth, node.clock.Now })
				err := c.Retry(t.Context(), "1")
				if err == nil {
					t.Fatal("keys came all the same")
				}
				for range 2 { // the second is the first again, after a pause or in it
					for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
						s.RequireAbsent(t, "the error by "+verb, fmt.Sprintf(verb, err))
						s.RequireAbsent(t, "the client by "+verb, fmt.Sprintf(verb, c)+fmt.Sprintf(verb, auth))
					}
					for cause := err; cause != nil; {
						s.RequireAbsent(t, "a cause", fmt.Sprintf("%v %+v", cause, cause))
						unwrapped, ok := cause.(interface{ Unwrap() error })
						if !ok {
							break
						}
						cause = unwrapped.Unwrap()
					}
					_, err = c.Query(t.Context(), []string{"1"})
				}
				if seen := api.seen(); len(seen) > 0 {
					t.Errorf("the API was asked: %v", seen[0].header)
				}
			})
		}
	}
}

// IAM's token, like an agency's keys, is unknown until it has been read.
func TestATokenInAnAnswerThatIsNoHTTPIsNotShown(t *testing.T) {
	s := testsecrets.Secrets{}
	token := s.Generate("token")
	for name, answer := range map[string]http.HandlerFunc{
		"no HTTP":     raw(token + "\r\n\r\n"),
		"header line": raw("HTTP/1.1 201 Created\r\nX-Subject-Token " + token + "\r\n\r\n"),
		"length":      raw("HTTP/1.1 201 Created\r\nContent-Length: " + token + "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			iam := newFakeIAM(t)
			iam.failing(answer)
			_, err := iam.auth(t).token(t.Context())
			failure(t, err, Transient)
			s.RequireAbsent(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
		})
	}
}
