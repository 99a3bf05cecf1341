package mpcclient

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestOnlyAnEmptyBodyOrAnObjectWithoutErrorCodeProvesAcceptance(t *testing.T) {
	tests := []struct {
		name, body string
		accepted   bool
	}{
		{"empty", "", true},
		{"white space", " \r\n", true},
		{"empty object", "{}", true},
		{"object", `{"task_id":538526,"new":[1]}`, true},
		{"error code", `{"error_code":"MPC.10212","error_msg":"Operation failed."}`, false},
		{"null error code", `{"error_code":null}`, false},
		{"error code in another case", `{"Error_Code":"MPC.10212"}`, false},
		{"captive portal", "<html>Log in to the hotel's network</html>", false},
		{"array", "[]", false},
		{"null", "null", false},
		{"string", `"ok"`, false},
		{"cut off", `{"task_id":`, false},
		{"two values", "{}{}", false},
		{"too long", `{"pad":"` + strings.Repeat("x", maxBody) + `"}`, false},
		{"as long as may be", "{}" + strings.Repeat(" ", maxBody-2), true},
		{"more behind what is read", "{}" + strings.Repeat(" ", maxBody-2) + "<html>", false},
		{"more behind blanks", strings.Repeat(" ", maxBody) + "<html>", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, status := range []int{200, 201, 202} {
				api := newRecorder(t, answering(status, test.body))
				err := newClient(t, api.URL).Retry(t.Context(), "538526")
				if test.accepted && err != nil {
					t.Errorf("%d: %v", status, err)
				}
				if !test.accepted {
					failure(t, err, Lost)
				}
			}
		})
	}
	api := newRecorder(t, answering(http.StatusNoContent, ""))
	if err := newClient(t, api.URL).Retry(t.Context(), "1"); err != nil {
		t.Errorf("204: %v", err)
	}
}

func TestRetrySendsWhatTheReferenceAsksFor(t *testing.T) {
	api := newRecorder(t, answering(200, ""))
	for _, prefix := range []string{"", "/", "/gateway/mpc", "/gateway/mpc/"} {
		c := newClient(t, api.URL+prefix, func(cfg *Config) { cfg.UserAgent = "test/1" })
		if err := c.Retry(t.Context(), `53"8<526`); err != nil {
			t.Fatal(err)
		}
		seen := api.seen()
		got := seen[len(seen)-1]
		if want := strings.TrimSuffix(prefix, "/") + "/v1/" + project + "/remux"; got.method != "PUT" || got.uri != want {
			t.Errorf("got %s %s, want PUT %s", got.method, got.uri, want)
		}
		if got.body != `{"task_id":"53\"8\u003c526"}` {
			t.Errorf("body is %s", got.body)
		}
		for name, want := range map[string]string{
			"X-Auth-Token": "a-token", "Content-Type": "application/json", "User-Agent": "test/1", "Accept-Encoding": "identity",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
			}
		}
	}
}

func TestIDsThatJSONWouldChangeAreNotSent(t *testing.T) {
	api := newRecorder(t, answering(200, ""))
	for _, id := range []string{"", "53\xff26"} {
		failure(t, newClient(t, api.URL).Retry(t.Context(), id), InvalidTask)
	}
	if len(api.seen()) != 0 {
		t.Error("a request was sent")
	}
}

// The transport might follow a redirect with the credentials in its headers.
func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newRecorder(t, answering(200, ""))
	api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	c := newClient(t, api.URL)
	_, err := c.Query(t.Context(), []string{"1"})
	for _, e := range []*Error{failure(t, c.Retry(t.Context(), "1"), Lost), failure(t, err, Transient)} {
		if !strings.Contains(e.Advice, "redirect") || !strings.Contains(e.Advice, "MPC_ENDPOINT") {
			t.Errorf("advice is %q", e.Advice)
		}
	}
	if len(other.seen()) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestConnectionsAreReused(t *testing.T) {
	api := newRecorder(t, answering(403, `{"error_code":"MPC.10212","error_msg":"Operation failed."}`))
	c := newClient(t, api.URL)
	for range 20 {
		failure(t, c.Retry(t.Context(), "1"), Ambiguous)
	}
	dialled := map[string]bool{}
	for _, r := range api.seen() {
		dialled[r.remote] = true
	}
	if len(dialled) != 1 {
		t.Errorf("20 calls took %d connections", len(dialled))
	}
}

// net/http's server would canonicalise the header's name, so this one reads lines.
func TestUnderscoredProjectHeaderGoesOnTheWireAsItIs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for in := bufio.NewScanner(conn); in.Scan() && in.Text() != ""; {
			lines <- in.Text()
		}
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	}()
	c := newClient(t, "http://"+listener.Addr().String(), func(cfg *Config) { cfg.Auth = AKSK("ak", "sk", "") })
	if err := c.Retry(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for line := range lines {
		found[line] = true
	}
	for _, want := range []string{"X-Project_Id: " + project, "X-Project-Id: " + project} {
		if !found[want] {
			t.Errorf("%q is not among %v", want, found)
		}
	}
}
