package config

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// environment sets exactly these of our variables.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, row := range Table() {
		for _, name := range []string{row.Name, row.Name + fileSuffix} {
			t.Setenv(name, "") // so that the end of the test restores it
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, v := range standard {
		t.Setenv(v.name, "") // the machine's own values must not matter
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// with returns the minimal configuration with changes; an empty value stays set.
func with(changes ...string) map[string]string {
	variables := map[string]string{
		"KAFKA_BROKERS":  "kafka-1:9092",
		"MPC_REGION":     "cn-north-4",
		"MPC_PROJECT_ID": "0123456789abcdef",
		"MPC_AUTH_TOKEN": "a-user-token",
	}
	for i := 0; i < len(changes); i += 2 {
		variables[changes[i]] = changes[i+1]
	}
	return variables
}

func load(t *testing.T, changes ...string) Config {
	t.Helper()
	environment(t, with(changes...))
	c, err := Load()
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return c
}

// refused returns the problems, which must all be about the one variable.
func refused(t *testing.T, variable string, changes ...string) string {
	t.Helper()
	environment(t, with(changes...))
	_, err := Load()
	var problems Errors
	if !errors.As(err, &problems) {
		t.Fatalf("want Errors, got %v", err)
	}
	for _, p := range problems {
		if p.Variable != variable {
			t.Errorf("a problem of %s was expected, got: %v", variable, p)
		}
	}
	return err.Error()
}

func TestDefaults(t *testing.T) {
	c := load(t)
	token := c.MPC.Auth.Token.Reveal()
	c.MPC.Auth.Token, c.Files = Secret{}, nil
	want := Config{
		Kafka: Kafka{
			Brokers: []string{"kafka-1:9092"}, GroupID: "remux-retrier", ClientID: "remux-retrier",
			TopicFailed: "remux.failed", TopicRetried: "remux.retried",
			TopicRetryFailed: "remux.retry_failed", TopicDeadLetter: "remux.failed.dlq",
			StartOffset: Earliest, SessionTimeout: 10 * time.Second,
		},
		MPC: MPC{
			Endpoint: "https://mpc.cn-north-4.myhuaweicloud.com", ProjectID: "0123456789abcdef",
			Auth:              Auth{Mode: TokenMode},
			RequestsPerMinute: 100, MaxInFlight: 64, Timeout: 10 * time.Second,
		},
		Retry:           Retry{Budget: 3, BudgetWindow: 24 * time.Hour, MaxAttempts: 5, AllowForce: true},
		ShutdownTimeout: 25 * time.Second, HTTPAddr: "127.0.0.1:8080",
		LogLevel: logrus.InfoLevel, LogFormat: AutoFormat,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if token != "a-user-token" {
		t.Errorf("token is %q", token)
	}
}

func TestEmptyVariableTakesTheDefaultExceptHTTPAddr(t *testing.T) {
	changes := []string{}
	for _, row := range Table() {
		if _, needed := with()[row.Name]; !needed {
			changes = append(changes, row.Name, "")
		}
	}
	got := load(t, changes...)
	want := load(t)
	if got.HTTPAddr != "" {
		t.Errorf("HTTP_ADDR= must turn HTTP off, got %q", got.HTTPAddr)
	}
	got.HTTPAddr = want.HTTPAddr
	if got.MPC.Auth.Token.Reveal() != want.MPC.Auth.Token.Reveal() || got.MPC.Auth.Mode != want.MPC.Auth.Mode {
		t.Errorf("authentication differs: %+v and %+v", got.MPC.Auth, want.MPC.Auth)
	}
	got.MPC.Auth, want.MPC.Auth = Auth{}, Auth{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAllProblemsTogetherInTheOrderOfTheTable(t *testing.T) {
	environment(t, map[string]string{
		"LOG_FORMAT":              "xml",
		"KAFKA_SESSION_TIMEOUT":   "3s",
		"MPC_REQUESTS_PER_MINUTE": "0",
		"KAFKA_TOPIC_RETRIED":     "remux.failed",
	})
	_, err := Load()
	if err == nil {
		t.Fatal("accepted")
	}
	lines := strings.Split(err.Error(), "\n")
	want := []string{
		"KAFKA_BROKERS is not set", `KAFKA_TOPIC_RETRIED is "remux.failed"`, `KAFKA_SESSION_TIMEOUT is "3s"`,
		"MPC_REGION is not set", "MPC_PROJECT_ID is not set", "MPC_AUTH_TOKEN is not set",
		`MPC_REQUESTS_PER_MINUTE is "0"`, `LOG_FORMAT is "xml"`,
	}
	if len(lines) != len(want) {
		t.Fatalf("want %d lines, got %d:\n%v", len(want), len(lines), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d is %q, want %q…", i, line, want[i])
		}
	}
}

func TestEveryVariableOfTheTableHasAnEffect(t *testing.T) {
	base := load(t, exporting()...) // without a collector the standard variables are not checked
	for _, row := range Table() {
		environment(t, with(exporting(row.Name, "\x01")...))
		c, err := Load()
		if err == nil && reflect.DeepEqual(c, base) {
			t.Errorf("%s is documented and not read", row.Name)
		}
	}
}

func TestWarningsComeWithErrorsToo(t *testing.T) {
	environment(t, with("KAFKA_BROKERS", "", "KAFKA_BROKER", "kafka:9092"))
	c, err := Load()
	if err == nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "did you mean KAFKA_BROKERS?") {
		t.Errorf("got %q, %v", c.Warnings, err)
	}
}
