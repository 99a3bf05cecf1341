package app

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

	"remux-retrier/internal/config"
)

func TestTheNextConnectionAuthenticatesByThePasswordAsItIsThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		write("old")
		for variable, value := range map[string]string{
			"KAFKA_BROKERS": "127.0.0.1:1", "MPC_REGION": "cn-north-4", "MPC_PROJECT_ID": "p", "MPC_AUTH_TOKEN": "t",
			"KAFKA_SASL_MECHANISM": name, "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD_FILE": path,
		} {
			t.Setenv(variable, value)
		}
		cfg, err := config.Load()
		if err != nil {
			t.Fatal(err)
		}
		m := &mechanism{sasl: *cfg.Kafka.SASL}
		first, err := m.now()
		if err != nil || first.Name() != name || m.Name() != name {
			t.Fatalf("%s: %v", name, err)
		}
		if again, _ := m.now(); name != "PLAIN" && again != first {
			t.Errorf("%s: what SCRAM derives from the password is derived for each connection", name)
		}
		write("new")
		cfg.Files.Reread()
		if _, err := m.now(); err != nil || m.password != "new" {
			t.Errorf("%s: %q, %v", name, m.password, err)
		}
		if _, said, err := m.Start(t.Context()); err != nil || name == "PLAIN" && !strings.Contains(string(said), "new") {
			t.Errorf("%s: %q, %v", name, said, err)
		}
	}
}

// check uses what the process uses.
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
	expect(t, perform(t, 1, "check"), "FAIL  MPC at "+api.URL, "unknown authority")
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
	for days, says := range map[int]string{-1: "FAIL  client certificate: it ended at ", 3: "warn  client certificate: it ends in 2 days, at ", 100: "ok    client certificate: holds until "} {
		certify(t, cert, key, time.Now().Add(time.Duration(days)*24*time.Hour))
		expect(t, perform(t, 1, "check"), says) // whose broker speaks no TLS
	}
}
