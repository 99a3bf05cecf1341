package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/app"
	"remux-retrier/internal/testsecrets"
)

// echo is an API that repeats what it receives in its answers, in many encodings and with
// many statuses. Some answers are followed by a second one without a request.
func echo(t *testing.T) *httptest.Server {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var all []string
		body, _ := io.ReadAll(r.Body)
		for _, values := range r.Header {
			for _, v := range values {
				all = append(all, testsecrets.Spellings(v+strings.Repeat(" ", 2))...)
				if _, password, ok := r.BasicAuth(); ok {
					all = append(all, testsecrets.Spellings(password+"  ")...)
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

// echoPort listens on a port that repeats what it receives.
func echoPort(t *testing.T) string {
	return port(t, func(conn net.Conn) {
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.Copy(conn, bufio.NewReader(conn))
	})
}

// port listens on a port of this machine; serve answers each connection.
func port(t *testing.T, serve func(net.Conn)) (address string) {
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
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// everything requests all pages of the process and runs the commands, and searches their
// output for secrets.
func everything(t *testing.T, s testsecrets.Secrets, env map[string]string) {
	t.Helper()
	for _, path := range []string{"/", "/metrics", "/healthz", "/readyz", "/api/status", "/api/tasks/1", "/api/tasks", "/api/nothing"} {
		res, err := http.Get("http://" + env["HTTP_ADDR"] + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		s.RequireAbsent(t, path, fmt.Sprint(res.Header)+string(body))
	}
	for _, args := range [][]string{{"check"}, {"retry", "1"}, {"explain", "1"}, {"explain", "--json", "1"}, {"redrive", "--dry-run"}, {"help"}} {
		var out safeBuffer
		_ = app.Run(t.Context(), args, "v", &out, &out, nil)
		s.RequireAbsent(t, args[0], out.String())
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
	for name, auth := range map[string]authentication{
		"token": func(_ *testing.T, s testsecrets.Secrets, env map[string]string, _ string) {
			env["MPC_AUTH_TOKEN"] = s.Generate("MPC_AUTH_TOKEN")
		},
		"keys": func(_ *testing.T, s testsecrets.Secrets, env map[string]string, _ string) {
			env["MPC_ACCESS_KEY"], env["MPC_SECRET_KEY"], env["MPC_SECURITY_TOKEN"] = s.Generate("MPC_ACCESS_KEY"), s.Generate("MPC_SECRET_KEY"), s.Generate("MPC_SECURITY_TOKEN")
		},
		"password": func(_ *testing.T, s testsecrets.Secrets, env map[string]string, api string) {
			env["IAM_ENDPOINT"], env["IAM_DOMAIN"], env["IAM_USERNAME"], env["IAM_PROJECT"] = api, "d", "u", "p"
			env["IAM_PASSWORD"] = s.Generate("IAM_PASSWORD")
		},
	} {
		t.Run(name, func(t *testing.T) { workAndSearch(t, auth) })
	}
}

// authentication adds a way to authenticate, with marked secrets, to the environment.
// The API is an echo.
type authentication func(t *testing.T, s testsecrets.Secrets, env map[string]string, api string)

// workAndSearch lets the service and the commands work at trace level with an API and a
// collector that are echoes, and searches all that comes out for secrets.
func workAndSearch(t *testing.T, auth authentication) {
	s, api := testsecrets.Secrets{}, echo(t)
	env, client := traced(t, api.URL)
	env["MPC_AUTH_TOKEN"] = ""
	auth(t, s, env, api.URL)
	env["MPC_ENDPOINT"], env["LOG_LEVEL"], env["HTTP_ADDR"] = api.URL, "trace", freeAddress(t)
	env["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=" + s.Generate("OTEL_EXPORTER_OTLP_HEADERS")
	env["RETRY_MAX_ATTEMPTS"], env["LOG_FORMAT"] = "1", "json"
	output, stop := start(t, env)
	for i := range 30 {
		produce(t, client, &kgo.Record{Topic: "remux.failed", Value: fmt.Appendf(nil, `{"task_id":"%d"}`, i)})
	}
	await(t, output, "partitions assigned")
	time.Sleep(2 * time.Second) // meanwhile its calls fail
	everything(t, s, env)
	stop()
	s.RequireAbsent(t, "the log", output.String())
	if !strings.Contains(output.String(), "MPC") {
		t.Errorf("there were no calls:\n%s", output)
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(env["KAFKA_BROKERS"], ",")...), kgo.ConsumeTopics("remux.retried", "remux.retry_failed", "remux.failed.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	if ends(t, client, "remux.retried")+ends(t, client, "remux.retry_failed") > 0 {
		consumer.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			s.RequireAbsent(t, "an outcome", fmt.Sprintf("%s %s %v", r.Key, r.Value, r.Headers))
		})
	}
}

func TestNoPasswordForKafkaComesOutWhateverThePortAnswers(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-512"} {
		s := testsecrets.Secrets{}
		env, _ := traced(t, "")
		env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["LOG_LEVEL"], env["HTTP_ADDR"] = "", "trace", freeAddress(t)
		env["KAFKA_SASL_MECHANISM"], env["KAFKA_SASL_USERNAME"], env["KAFKA_SASL_PASSWORD"] = mechanism, "user", s.Generate("KAFKA_SASL_PASSWORD")
		for _, brokers := range []string{env["KAFKA_BROKERS"], echoPort(t)} {
			env["KAFKA_BROKERS"] = brokers
			output, stop := start(t, env)
			await(t, output, "waiting for the brokers")
			everything(t, s, env)
			stop()
			s.RequireAbsent(t, "the log", output.String())
		}
	}
}
