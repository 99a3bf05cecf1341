package app_test

import (
	"encoding/pem"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/testsecrets"
)

func TestAFileThatBreaksIsLoggedWithoutItsContentsAndUsedOnceRepaired(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(token, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old-canary")
	env := environment(t, map[string]int{"remux.failed": 1, "remux.retried": 1, "remux.retry_failed": 1, "remux.failed.dlq": 1})
	env["MPC_AUTH_TOKEN"], env["MPC_AUTH_TOKEN_FILE"] = "", token
	output, stop := start(t, env)
	await(t, output, "starting")
	write("new\ncanary")
	await(t, output, "MPC_AUTH_TOKEN_FILE cannot be used, the previous contents stay in use: has a line break")
	write("new-canary")
	await(t, output, "MPC_AUTH_TOKEN_FILE has changed")
	if code := stop(); code != 0 || strings.Contains(output.String(), "canary") {
		t.Errorf("exit code %d\n%s", code, output)
	}
}

// check uses the same certificates as the service.
func TestCheckTrustsMPCsOwnAuthority(t *testing.T) {
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"task_array":[],"total":0}`)) }))
	defer api.Close()
	api.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environment(t, allTopics())
	env["MPC_ENDPOINT"], env["MPC_CA_FILE"] = api.URL, ""
	for name, value := range env {
		t.Setenv(name, value)
	}
	expect(t, perform(t, 1, "check"), "FAIL  MPC at "+api.URL, "unknown authority", "name it in MPC_CA_FILE")
	t.Setenv("MPC_CA_FILE", ca)
	expect(t, perform(t, 0, "check"), "ok    MPC at "+api.URL, "ok    state query")
}

func TestCheckSaysWhenTheClientCertificateEnds(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	env := environment(t, allTopics())
	env["KAFKA_TLS_ENABLED"], env["KAFKA_TLS_CERT_FILE"], env["KAFKA_TLS_KEY_FILE"] = "true", cert, key
	for name, value := range env {
		t.Setenv(name, value)
	}
	for days, says := range map[int]string{-1: "FAIL  client certificate: expired at ", 3: "warn  client certificate: expires in 2 days, at ", 100: "ok    client certificate: valid until "} {
		testsecrets.Certify(t, cert, key, time.Now().Add(time.Duration(days)*24*time.Hour))
		expect(t, perform(t, 1, "check"), says) // 1: the broker has no TLS
	}
}
