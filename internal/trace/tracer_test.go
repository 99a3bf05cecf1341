package trace

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"remux-retrier/events"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/story"
)

// nowhere accepts all spans and drops them, or returns err.
type nowhere struct{ err error }

func (n nowhere) ExportSpans(context.Context, []sdk.ReadOnlySpan) error { return n.err }
func (n nowhere) Shutdown(context.Context) error                        { return nil }

func quiet(tb testing.TB) Config {
	tb.Helper()
	log, _ := test.NewNullLogger()
	return Config{Version: "v1", Group: "g", Client: "c", API: "mpc.example", Logger: log}
}

func TestACollectorThatIsAwayIsSaidOnceAndItsReturnToo(t *testing.T) {
	log, hook := test.NewNullLogger()
	e := &exporter{problem: notice.New(log)}
	for i := range 6 {
		e.SpanExporter = nowhere{}
		if i > 0 && i < 5 {
			e.SpanExporter = nowhere{fmt.Errorf("request %d: connection refused%s", i, strings.Repeat("!", 1<<20))}
		}
		if err := e.ExportSpans(t.Context(), nil); err != nil {
			t.Error("the SDK would log it again:", err)
		}
	}
	said := hook.AllEntries()
	if len(said) != 2 || !strings.Contains(said[0].Message, "request 1: connection refused") || len(said[0].Message) > 600 ||
		said[1].Message != "traces are delivered again" {
		t.Errorf("said %d things: %v", len(said), said)
	}
}

func TestTheSDKsOwnComplaintsGoToTheLog(t *testing.T) {
	log, hook := test.NewNullLogger()
	cfg := quiet(t)
	cfg.Logger = log
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "no equals sign")
	tracer, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close(time.Second)
	for range 3 {
		otel.Handle(fmt.Errorf("a complaint"))
	}
	var said []string
	for _, e := range hook.AllEntries() {
		said = append(said, e.Message)
	}
	if len(said) != 2 || !strings.HasPrefix(said[0], "OpenTelemetry: partial resource") || said[1] != "OpenTelemetry: a complaint" {
		t.Errorf("said %q", said)
	}
}

// A typing error in the collector's credentials must not write them to the log.
func TestWhatIsWrongInHeadersIsNotLogged(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization Bearer s3cr3t,api-key=s3cr3t%zz")
	log, hook := test.NewNullLogger()
	tracer, err := New(Config{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close(time.Second)
	if len(hook.AllEntries()) == 0 {
		t.Error("nothing is logged")
	}
	for _, e := range hook.AllEntries() {
		if strings.Contains(e.Message, "s3cr3t") {
			t.Errorf("said: %s", e.Message)
		}
	}
}

func TestATracerNeedsALogger(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("accepted without a logger")
	}
}

// With a full queue and no collector, a step costs no more than usual.
func TestAFullQueueDropsSpansAndDelaysNoEvent(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	tracer, err := New(quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.Close(time.Second)
	began := time.Now()
	for range 10_000 {
		s := tracer.Begin(source, events.Failure{TaskID: "1"}, "", began)
		s.Step(story.Step{At: began, Kind: story.GivenUp})
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("10,000 events took %v", took)
	}
}

// A hanging delivery would otherwise go on in the background until its timeout.
func TestClosingEndsADeliveryThatHangs(t *testing.T) {
	asked, hungUp := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices a closed connection only after reading the body
		close(asked)
		<-r.Context().Done()
		close(hungUp)
	}))
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
	tracer, err := New(quiet(t))
	if err != nil {
		t.Fatal(err)
	}
	tracer.Begin(source, events.Failure{}, "", began).Step(story.Step{At: began, Kind: story.GivenUp})
	<-asked
	at := time.Now()
	tracer.Close(50 * time.Millisecond)
	<-hungUp
	if took := time.Since(at); took > 5*time.Second {
		t.Errorf("the delivery went on for %v", took)
	}
}
