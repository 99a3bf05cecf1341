package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// endpoint replaces remux-retrier receive. It refuses the first message, as receive
// does while it has no Kafka.
type endpoint struct {
	*httptest.Server
	t                  *testing.T
	caFile             string
	refused, confirmed bool
	ends               chan string // "id status" of each notification
}

func newEndpoint(t *testing.T, caFile string) *endpoint {
	e := &endpoint{t: t, caFile: caFile, ends: make(chan string, 100)}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// ServeHTTP gets one message at a time until a retry is accepted. Only until then it changes
// refused and confirmed, so they need no mutex.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Type      string `json:"type"`
		Message   string `json:"message"`
		Confirm   string `json:"subscribe_url"`
		Signature string `json:"signature"`
	}
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.Signature == "" {
		e.t.Errorf("a message without signature: %v", err)
	}
	switch {
	case !e.refused:
		e.refused = true
		w.WriteHeader(http.StatusServiceUnavailable)
	case message.Type == "SubscriptionConfirmation":
		e.confirm(message.Confirm)
	case !e.confirmed:
		e.t.Error("notified before the subscription is confirmed")
	default:
		var notice struct {
			Info struct {
				ID     string `json:"task_id"`
				Status string `json:"status"`
			} `json:"remux_info"`
		}
		if err := json.Unmarshal([]byte(message.Message), &notice); err != nil {
			e.t.Error(err)
		}
		e.ends <- notice.Info.ID + " " + notice.Info.Status
	}
}

// confirm trusts only the authority in the file.
func (e *endpoint) confirm(url string) {
	pem, err := os.ReadFile(e.caFile)
	if err != nil {
		e.t.Error(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	response, err := client.Get(url)
	if err != nil {
		e.t.Error(err)
		return
	}
	_ = response.Body.Close()
	e.confirmed = true
}

// next waits for a notification that has the suffix.
func (e *endpoint) next(suffix string) string {
	e.t.Helper()
	for {
		select {
		case end := <-e.ends:
			if strings.HasSuffix(end, suffix) {
				return strings.TrimSuffix(end, suffix)
			}
		case <-time.After(20 * time.Second):
			e.t.Fatalf("no notification that ends in %q", suffix)
		}
	}
}

func TestFailuresAreNotifiedAfterTheSubscriptionAndSuccessesAfterARetry(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	receive := newEndpoint(t, caFile)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, stderr := newOutput(), newOutput()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"-address", "127.0.0.1:0", "-processing", "10ms"}, environment(
			"MPCSIM_NOTIFY", receive.URL, "MPCSIM_FAIL_EVERY", "50ms", "MPCSIM_SMN_ADDRESS", "localhost:0", "MPCSIM_SMN_CA_FILE", caFile), stdout, stderr)
	}()
	failed := receive.next(" FAILED")
	url := regexp.MustCompile(`url=(\S+)`).FindStringSubmatch(stdout.String())[1]
	for _, id := range []string{failed, "of-another-producer"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/v1/demo/remux", strings.NewReader(`{"task_id":"`+id+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Auth-Token", "demo-token")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := receive.next(" SUCCEED"); got != id {
			t.Errorf("task %s succeeded, want %s", got, id)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if got := <-code; got != exitOK {
		t.Fatalf("exit %d, %s", got, stderr)
	}
}

func TestTheEndIsPromptWhileTheEndpointIsAway(t *testing.T) {
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	receive := newEndpoint(t, caFile)
	receive.Close() // nobody listens
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr := newOutput(), newOutput()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"-address", "127.0.0.1:0"}, environment(
			"MPCSIM_NOTIFY", receive.URL, "MPCSIM_FAIL_EVERY", "10ms", "MPCSIM_SMN_ADDRESS", "127.0.0.1:0", "MPCSIM_SMN_CA_FILE", caFile), stdout, stderr)
	}()
	for !strings.Contains(stdout.String(), "inviting the endpoint") {
		<-stdout.lines
	}
	cancel()
	select {
	case got := <-code:
		if got != exitOK {
			t.Fatalf("exit %d, %s", got, stderr)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("it waits for an endpoint that is away")
	}
}

func TestWhatSMNCannotStartWithExitsOne(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	for _, pairs := range [][]string{
		{"MPCSIM_SMN_ADDRESS", taken.Listener.Addr().String(), "MPCSIM_SMN_CA_FILE", filepath.Join(t.TempDir(), "ca.pem")},
		{"MPCSIM_SMN_ADDRESS", "127.0.0.1:0", "MPCSIM_SMN_CA_FILE", filepath.Join(t.TempDir(), "missing", "ca.pem")},
		{"MPCSIM_SMN_ADDRESS", "here", "MPCSIM_SMN_CA_FILE", filepath.Join(t.TempDir(), "ca.pem")},
	} {
		var stdout, stderr bytes.Buffer
		pairs = append(pairs, "MPCSIM_NOTIFY", "http://127.0.0.1:1/")
		if code := run(t.Context(), []string{"-address", "127.0.0.1:0"}, environment(pairs...), &stdout, &stderr); code != exitFailed {
			t.Errorf("%v: exit %d, %s", pairs, code, &stderr)
		}
	}
}
