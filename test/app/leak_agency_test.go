package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"remux-retrier/internal/app"
	"remux-retrier/internal/testsecrets"
)

// An agency's keys are in no variable: they come in an answer of the node's metadata
// service, complete or malformed, and are sent to an API that repeats them.
func TestNoKeyOfAnAgencyComesOutWhateverTheAnswersAre(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, keys string){
		"keys":        func(w http.ResponseWriter, keys string) { _, _ = io.WriteString(w, keys) },
		"broken JSON": func(w http.ResponseWriter, keys string) { _, _ = io.WriteString(w, keys[1:]) },
		"an invalid time": func(w http.ResponseWriter, keys string) {
			_, _ = io.WriteString(w, strings.Replace(keys, "2100-01-01T00:00:00.000000Z", keys[:60], 1))
		},
		"an error": func(w http.ResponseWriter, keys string) { http.Error(w, keys, http.StatusInternalServerError) },
		"a refusal": func(w http.ResponseWriter, keys string) {
			w.Header().Set("X-Request-Id", keys)
			http.Error(w, keys, http.StatusForbidden)
		},
		"another address": func(w http.ResponseWriter, keys string) {
			w.Header().Set("Location", "http://127.0.0.1:1/?"+keys)
			w.WriteHeader(http.StatusFound)
		},
		"a malformed header": func(w http.ResponseWriter, keys string) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+keys+"\r\n\r\n")
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var given atomic.Int64
			workAndSearch(t, func(t *testing.T, s testsecrets.Secrets, env map[string]string, _ string) {
				text, err := json.Marshal(map[string]any{"credential": map[string]string{
					"access": s.Generate("access"), "secret": s.Generate("secret"), "securitytoken": s.Generate("security token"), "expires_at": "2100-01-01T00:00:00.000000Z",
				}})
				if err != nil {
					t.Fatal(err)
				}
				keys, session := string(text), s.Generate("session")
				node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPut {
						_, _ = io.WriteString(w, session)
						return
					}
					given.Add(1)
					answer(w, keys)
				}))
				t.Cleanup(node.Close)
				app.MetadataService = node.URL
				t.Cleanup(func() { app.MetadataService = "" })
				env["MPC_CREDENTIALS"] = "ecs-agency"
			})
			if n := given.Load(); n < 3 {
				t.Errorf("the keys were fetched %d times: the service, check and retry need them", n)
			}
		})
	}
}
