package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/config"
	"remux-retrier/internal/testsecrets"
)

func TestNothingThatHoldsACredentialPrintsIt(t *testing.T) {
	s := testsecrets.Secrets{}
	for name, value := range map[string]string{"KAFKA_BROKERS": "127.0.0.1:1", "MPC_REGION": "cn-north-4", "MPC_PROJECT_ID": "p"} {
		t.Setenv(name, value)
	}
	t.Setenv("MPC_AUTH_TOKEN", s.Mark("MPC_AUTH_TOKEN"))
	t.Setenv("KAFKA_SASL_MECHANISM", "PLAIN")
	t.Setenv("KAFKA_SASL_USERNAME", "user")
	t.Setenv("KAFKA_SASL_PASSWORD", s.Mark("KAFKA_SASL_PASSWORD"))
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization="+s.Mark("OTEL_EXPORTER_OTLP_HEADERS"))
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	kafka, err := connectKafka(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	mpc, err := connectMPC(cfg, "v", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer mpc.Close()
	m := &mechanism{sasl: *cfg.Kafka.SASL}
	if _, _, err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	auth, err := authentication(cfg.MPC, "a")
	if err != nil {
		t.Fatal(err)
	}
	values := []any{cfg, &cfg, cfg.Kafka, cfg.Kafka.SASL, *cfg.Kafka.SASL, cfg.MPC, cfg.MPC.Auth, kafka, mpc, m, auth, struct{ M *mechanism }{m}, errors.Join(err)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range values {
			s.Look(t, fmt.Sprintf("%T by %s", v, verb), fmt.Sprintf(verb, v))
		}
	}
	text, _ := json.Marshal(cfg)
	s.Look(t, "JSON", string(text))
	func() {
		defer func() { s.Look(t, "a panic", fmt.Sprint(recover(), string(debug.Stack()))) }()
		panicking(cfg, m, slices.Clone(values))
	}()
}

//go:noinline
func panicking(cfg config.Config, m *mechanism, values []any) {
	panic(fmt.Errorf("with %+v, %+v and %+v", cfg, m, values))
}
