package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"slices"
	"strings"
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
	t.Setenv("MPC_AUTH_TOKEN", s.Generate("MPC_AUTH_TOKEN"))
	t.Setenv("KAFKA_SASL_MECHANISM", "PLAIN")
	t.Setenv("KAFKA_SASL_USERNAME", "user")
	t.Setenv("KAFKA_SASL_PASSWORD", s.Generate("KAFKA_SASL_PASSWORD"))
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization="+s.Generate("OTEL_EXPORTER_OTLP_HEADERS"))
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
			s.RequireAbsent(t, fmt.Sprintf("%T by %s", v, verb), fmt.Sprintf(verb, v))
		}
	}
	text, _ := json.Marshal(cfg)
	s.RequireAbsent(t, "JSON", string(text))
	func() {
		defer func() { s.RequireAbsent(t, "a panic", fmt.Sprint(recover(), string(debug.Stack()))) }()
		panicking(cfg, m, slices.Clone(values))
	}()
}

// The keys of an agency are in no variable: they come in an answer, which may be malformed,
// and are sent to an API that may quote them.
func TestNoKeyOfAnAgencyIsShownByACheck(t *testing.T) {
	s := testsecrets.Secrets{}
	text, err := json.Marshal(map[string]any{"credential": map[string]string{
		"access": s.Generate("access"), "secret": s.Generate("secret"), "securitytoken": s.Generate("token"), "expires_at": "2100-01-01T00:00:00.000000Z",
	}})
	if err != nil {
		t.Fatal(err)
	}
	keys, session := string(text), s.Generate("session")
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error_code": "APIG.0301", "error_msg": fmt.Sprint(r.Header)})
	}))
	defer api.Close()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"keys":        func(w http.ResponseWriter) { _, _ = io.WriteString(w, keys) },
		"broken JSON": func(w http.ResponseWriter) { _, _ = io.WriteString(w, keys[1:]) },
		"500":         func(w http.ResponseWriter) { http.Error(w, keys, http.StatusInternalServerError) },
		"truncated": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "10000")
			_, _ = io.WriteString(w, keys)
		},
		"no HTTP": func(w http.ResponseWriter) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+s["secret"]+"\r\n\r\n")
			conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut {
					_, _ = io.WriteString(w, session)
					return
				}
				answer(w)
			}))
			defer node.Close()
			MetadataService = node.URL
			defer func() { MetadataService = "" }()
			for variable, value := range map[string]string{
				"KAFKA_BROKERS": "127.0.0.1:1", "MPC_ENDPOINT": api.URL, "MPC_PROJECT_ID": "p", "MPC_CREDENTIALS": "ecs-agency", "LOG_LEVEL": "trace",
			} {
				t.Setenv(variable, value)
			}
			var out bytes.Buffer
			Run(t.Context(), []string{"check"}, "v", &out, &out, nil)
			if said := out.String(); !strings.Contains(said, "FAIL  authentication: ") {
				t.Errorf("the credentials were not tried:\n%s", said)
			}
			s.RequireAbsent(t, "the check", out.String())
		})
	}
}

//go:noinline
func panicking(cfg config.Config, m *mechanism, values []any) {
	panic(fmt.Errorf("with %+v, %+v and %+v", cfg, m, values))
}
