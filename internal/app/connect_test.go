package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
