package app

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/config"
)

// secrets are the credentials of a test: text that must come out nowhere, whole, in
// halves, or encoded.
type secrets map[string]string

// mark makes one up.
func (s secrets) mark(variable string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 48)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	s[variable] = string(b)
	return s[variable]
}

// spellings are what a server may make of a credential.
func spellings(v string) []string {
	half := len(v) / 2
	return []string{
		v, v[:half], v[half:], url.QueryEscape(v + "/"), hex.EncodeToString([]byte(v)),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte("user:" + v)),
		base64.StdEncoding.EncodeToString([]byte(v[:half])), base64.StdEncoding.EncodeToString([]byte("x" + v[half:])),
	}
}

// look wants none of the secrets in what came out. Of base64 it looks for each of
// the three ways in which the bytes may lie.
func (s secrets) look(t *testing.T, where, text string) {
	t.Helper()
	for name, v := range s {
		half := len(v) / 2
		for _, part := range []string{v, v[:half], v[half:]} {
			forms := []string{part, hex.EncodeToString([]byte(part)), strings.ToUpper(hex.EncodeToString([]byte(part)))}
			for shift := range 3 {
				coded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + part))
				forms = append(forms, coded[4:len(coded)-3]) // what does not depend on what stands beside it
			}
			for _, form := range forms {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%s tells of %s: %q", where, name, text[max(0, i-100):min(len(text), i+len(form)+20)])
					return
				}
			}
		}
	}
}

// echo is an API that answers with whatever it is sent, in many spellings, and with
// every status; after each answer it says something that nobody has asked for.
func echo(t *testing.T) *httptest.Server {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all []string
		body, _ := io.ReadAll(r.Body)
		for _, values := range r.Header {
			for _, v := range values {
				all = append(all, spellings(v+strings.Repeat(" ", 2))...)
				if _, password, ok := r.BasicAuth(); ok {
					all = append(all, spellings(password+"  ")...)
				}
			}
		}
		all = append(all, string(body))
		i := int(n.Add(1))
		said := all[i%len(all)]
		status := []int{401, 403, 400, 429, 500, 502, 200, 302, 404, 407}[i/3%10]
		h := w.Header()
		h.Set("X-Request-Id", said)
		h.Set("Location", "https://elsewhere.invalid/?"+url.QueryEscape(said))
		answer, _ := json.Marshal(map[string]any{"error_code": "MPC.10212", "error_msg": said, "error": map[string]string{"message": said, "code": said}})
		if i%3 == 0 {
			answer = []byte("<html>" + said + "</html>")
		}
		if i%7 == 0 {
			conn, b, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			fmt.Fprintf(b, "HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s", status, len(answer), answer)
			fmt.Fprintf(b, "HTTP/1.1 200 %s\r\nX-Said: %s\r\n\r\n%s", said, said, said)
			_ = b.Flush()
			time.AfterFunc(100*time.Millisecond, func() { conn.Close() })
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// parrot is a port that answers with what it is sent.
func parrot(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				_, _ = io.Copy(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return l.Addr().String()
}

// everything asks the process for all that it tells, and runs the commands.
func everything(t *testing.T, s secrets, env map[string]string) {
	t.Helper()
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/api/status", "/api/tasks/1", "/api/tasks", "/api/nothing"} {
		res, err := http.Get("http://" + env["HTTP_ADDR"] + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		s.look(t, path, fmt.Sprint(res.Header)+string(body))
	}
	for _, args := range [][]string{{"check"}, {"retry", "1"}, {"explain", "1"}, {"explain", "--json", "1"}, {"redrive", "--dry-run"}, {"help"}} {
		var out safeBuffer
		_ = Run(t.Context(), args, "v", &out, &out, nil)
		s.look(t, args[0], out.String())
	}
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestNoCredentialComesOutWhateverAnswersEcho(t *testing.T) {
	for name, auth := range map[string]func(s secrets, env map[string]string, api string){
		"token": func(s secrets, env map[string]string, _ string) { env["MPC_AUTH_TOKEN"] = s.mark("MPC_AUTH_TOKEN") },
		"keys": func(s secrets, env map[string]string, _ string) {
			env["MPC_ACCESS_KEY"], env["MPC_SECRET_KEY"], env["MPC_SECURITY_TOKEN"] = s.mark("MPC_ACCESS_KEY"), s.mark("MPC_SECRET_KEY"), s.mark("MPC_SECURITY_TOKEN")
		},
		"password": func(s secrets, env map[string]string, api string) {
			env["IAM_ENDPOINT"], env["IAM_DOMAIN"], env["IAM_USERNAME"], env["IAM_PROJECT"] = api, "d", "u", "p"
			env["IAM_PASSWORD"] = s.mark("IAM_PASSWORD")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, api := secrets{}, echo(t)
			env, client := traced(t, api.URL) // the collector echoes, too
			delete(env, "MPC_AUTH_TOKEN")
			env["MPC_AUTH_TOKEN"] = ""
			auth(s, env, api.URL)
			env["MPC_ENDPOINT"], env["LOG_LEVEL"], env["HTTP_ADDR"] = api.URL, "trace", freeAddress(t)
			env["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=" + s.mark("OTEL_EXPORTER_OTLP_HEADERS")
			env["RETRY_MAX_ATTEMPTS"], env["LOG_FORMAT"] = "1", "json"
			output, stop := start(t, env)
			for i := range 30 {
				produce(t, client, &kgo.Record{Topic: "remux.failed", Value: fmt.Appendf(nil, `{"task_id":"%d"}`, i)})
			}
			await(t, output, "partitions assigned")
			time.Sleep(2 * time.Second) // in which it calls, in vain
			everything(t, s, env)
			stop()
			s.look(t, "the log", output.String())
			if !strings.Contains(output.String(), "MPC") {
				t.Errorf("nothing was called:\n%s", output)
			}
			consumer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(env["KAFKA_BROKERS"], ",")...), kgo.ConsumeTopics("remux.retried", "remux.retry_failed", "remux.failed.dlq"))
			if err != nil {
				t.Fatal(err)
			}
			defer consumer.Close()
			if ends(t, client, "remux.retried")+ends(t, client, "remux.retry_failed") > 0 {
				consumer.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { s.look(t, "an outcome", fmt.Sprintf("%s %s %v", r.Key, r.Value, r.Headers)) })
			}
		})
	}
}

func TestNoPasswordForKafkaComesOutWhateverThePortAnswers(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-512"} {
		s := secrets{}
		env, _ := traced(t, "")
		env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["LOG_LEVEL"], env["HTTP_ADDR"] = "", "trace", freeAddress(t)
		env["KAFKA_SASL_MECHANISM"], env["KAFKA_SASL_USERNAME"], env["KAFKA_SASL_PASSWORD"] = mechanism, "user", s.mark("KAFKA_SASL_PASSWORD")
		for _, brokers := range []string{env["KAFKA_BROKERS"], parrot(t)} {
			env["KAFKA_BROKERS"] = brokers
			output, stop := start(t, env)
			await(t, output, "waiting for the brokers")
			everything(t, s, env)
			stop()
			s.look(t, "the log", output.String())
		}
	}
}

func TestNothingThatHoldsACredentialPrintsIt(t *testing.T) {
	s := secrets{}
	for name, value := range environment(t, allTopics()) {
		t.Setenv(name, value)
	}
	t.Setenv("MPC_AUTH_TOKEN", s.mark("MPC_AUTH_TOKEN"))
	t.Setenv("KAFKA_SASL_MECHANISM", "PLAIN")
	t.Setenv("KAFKA_SASL_USERNAME", "user")
	t.Setenv("KAFKA_SASL_PASSWORD", s.mark("KAFKA_SASL_PASSWORD"))
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization="+s.mark("OTEL_EXPORTER_OTLP_HEADERS"))
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
			s.look(t, fmt.Sprintf("%T by %s", v, verb), fmt.Sprintf(verb, v))
		}
	}
	text, _ := json.Marshal(cfg)
	s.look(t, "JSON", string(text))
	func() {
		defer func() { s.look(t, "a panic", fmt.Sprint(recover(), string(debug.Stack()))) }()
		panicking(cfg, m, slices.Clone(values))
	}()
}

//go:noinline
func panicking(cfg config.Config, m *mechanism, values []any) {
	panic(fmt.Errorf("with %+v, %+v and %+v", cfg, m, values))
}
