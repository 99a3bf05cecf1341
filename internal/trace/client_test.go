package trace

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

const canary = "c4n4ry-5ecret"

// export sends a span to the collector, and returns the log.
func export(t *testing.T, url string) string { return exportWithin(t, 5*time.Second, url) }

// exportWithin gives up after the time: the exporter repeats an export that failed for a
// reason that may pass.
func exportWithin(t *testing.T, within time.Duration, url string) string {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key="+canary)
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5000")
	t.Setenv("OTEL_BSP_EXPORT_TIMEOUT", strconv.FormatInt(within.Milliseconds(), 10))
	log, hook := test.NewNullLogger()
	cfg := quiet(t)
	cfg.Logger = log
	tracer, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	tracer.Begin(source, events.Failure{}, "", began).Step(story.Step{At: began, Kind: story.GivenUp})
	tracer.Close(10 * time.Second)
	var text strings.Builder
	for _, e := range hook.AllEntries() {
		fmt.Fprintln(&text, e.Message)
	}
	return text.String()
}

func TestCredentialsDoNotFollowARedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var elsewhere atomic.Int64
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Api-Key") != canary {
				t.Error("the collector did not get its key")
			}
			http.Redirect(w, r, strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)+"/v1/traces", status)
		}))
		said := export(t, server.URL)
		server.Close()
		thief.Close()
		if elsewhere.Load() > 0 || !strings.Contains(said, fmt.Sprint(status)) {
			t.Errorf("%d: followed %d times, said %q", status, elsewhere.Load(), said)
		}
	}
}

func TestWhateverACollectorAnswersNoSecretIsLogged(t *testing.T) {
	echo := canary + " " + base64.StdEncoding.EncodeToString([]byte(canary)) + " " + canary[3:]
	rejected := rejecting(7, "no (\""+echo)
	for name, answer := range map[string]http.HandlerFunc{
		"body":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); fmt.Fprint(w, echo) },
		"retry": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503); fmt.Fprint(w, echo) },
		"partial success": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			fmt.Fprint(w, rejected)
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			fmt.Fprint(w, echo)
		},
	} {
		server := httptest.NewServer(answer)
		said := exportWithin(t, 500*time.Millisecond, server.URL)
		server.Close()
		if said == "" || strings.Contains(said, canary[3:]) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte(canary))) {
			t.Errorf("%s: %q", name, said)
		}
	}
	for name, raw := range map[string]string{
		"words of the status": "HTTP/1.1 400 " + echo + "\r\nContent-Length: 0\r\n\r\n",
		"no HTTP":             echo + "\r\n\r\n",
		"a bad status":        "HTTP/1.1 " + echo + "\r\n\r\n",
		"a bad header":        "HTTP/1.1 200 OK\r\n" + echo + "\r\n\r\n",
	} {
		said := export(t, "http://"+rawServer(t, raw))
		if said == "" || strings.Contains(said, canary[3:]) {
			t.Errorf("%s: %q", name, said)
		}
	}
}

// rejecting returns an ExportTraceServiceResponse with a number of rejected spans, in
// protobuf.
func rejecting(spans byte, why string) string {
	partial := append(binary.AppendUvarint([]byte{1 << 3, spans, 2<<3 | 2}, uint64(len(why))), why...)
	return string(append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(partial))), partial...))
}

// rawServer answers everything with this text.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<16))
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// The SDK reads these variables only for its own client.
func TestTheStandardsVariablesAboutTLSStillHold(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(path, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := export(t, server.URL); asked.Load() > 0 || !strings.Contains(said, "unknown authority") {
		t.Errorf("an unknown certificate was trusted: %q", said)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", path)
	if said := export(t, server.URL); asked.Load() != 1 || said != "" {
		t.Errorf("%d requests, said %q", asked.Load(), said)
	}
	for _, name := range []string{"CERTIFICATE", "TRACES_CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"} {
		t.Setenv(prefix+name, path+".missing")
		if _, err := New(quiet(t)); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_C") {
			t.Errorf("%s: %v", name, err)
		}
		t.Setenv(prefix+name, "")
	}
}
