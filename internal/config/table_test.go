package config

import (
	"os"
	"strings"
	"testing"
)

func TestCONFIGURATIONHasTheTables(t *testing.T) {
	guide, err := os.ReadFile("../../docs/CONFIGURATION.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, rows := range map[string][]Row{"config": Table(), "receive": ReceiveTable()} {
		begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
		_, rest, opened := strings.Cut(string(guide), begin)
		table, _, closed := strings.Cut(rest, end)
		if !opened || !closed {
			t.Fatalf("CONFIGURATION.md has no table between %q and %q", begin, end)
		}
		if want := Markdown(rows); strings.TrimSpace(table) != strings.TrimSpace(want) {
			t.Errorf("CONFIGURATION.md's table differs from the code. It should be:\n\n%s", want)
		}
	}
}

func TestEveryRowIsDescribedOnOneLine(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range append(Table(), ReceiveTable()...) {
		if row.Name == "" || seen[row.Name] {
			t.Errorf("%q is empty or repeated", row.Name)
		}
		seen[row.Name] = true
		if !strings.HasSuffix(row.Description, ".") || strings.ContainsAny(row.Name+row.Default+row.Description, "|\n") {
			t.Errorf("%s: %q does not fit a table", row.Name, row.Description)
		}
	}
}

func TestMisspeltVariablesAreWarnedOf(t *testing.T) {
	for name, suggestion := range map[string]string{
		"MPC_REQUEST_PER_MINUTE":   "MPC_REQUESTS_PER_MINUTE",
		"KAFKA_BROKER":             "KAFKA_BROKERS",
		"KAFKA_TOPIC_DEADLETTER":   "KAFKA_TOPIC_DEAD_LETTER",
		"RETRY_MAX_ATEMPTS":        "RETRY_MAX_ATTEMPTS",
		"IAM_USER_NAME":            "IAM_USERNAME",
		"MPC_AUTHTOKEN_FILE":       "MPC_AUTH_TOKEN_FILE",
		"KAFKA_SOMETHING_ELSE_YET": "",
	} {
		warnings := load(t, name, "1").Warnings
		want := name + " is not a variable of this service and has no effect"
		if suggestion != "" {
			want += "; did you mean " + suggestion + "?"
		}
		if len(warnings) != 1 || warnings[0] != want {
			t.Errorf("got %q, want %q", warnings, want)
		}
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

// Variables that Kubernetes sets in every container next to a Service named kafka, mpc or
// retry must not hide important warnings.
func TestServiceLinksAreNotWarnedOf(t *testing.T) {
	links := []string{}
	for _, service := range []string{"KAFKA", "KAFKA_HEADLESS", "MPC", "RETRY_PROXY"} {
		for _, suffix := range []string{"_SERVICE_HOST", "_SERVICE_PORT", "_SERVICE_PORT_TCP_CLIENT", "_PORT", "_PORT_9092_TCP",
			"_PORT_9092_TCP_PROTO", "_PORT_9092_TCP_PORT", "_PORT_9092_TCP_ADDR", "_PORT_53_UDP"} {
			links = append(links, service+suffix, "1")
		}
	}
	if warnings := load(t, links...).Warnings; len(warnings) != 0 {
		t.Errorf("%q", warnings)
	}
}
