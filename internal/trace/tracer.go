package trace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/sirupsen/logrus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	otrace "go.opentelemetry.io/otel/trace"

	"remux-retrier/internal/notice"
)

// name is the name of the service and of the instrumentation.
const name = "remux-retrier"

// Config of a Tracer. Logger is required; the spans have the other fields as they are.
type Config struct {
	Version string
	// Group is the consumer group, Client this instance's Kafka client id.
	Group, Client string
	// API is the host name of MPC's endpoint.
	API    string
	Logger logrus.FieldLogger
}

// Tracer makes the spans of events. A nil Tracer makes none.
type Tracer struct {
	cfg      Config
	provider *sdk.TracerProvider
	exporter *exporter
	tracer   otrace.Tracer
}

// New makes a tracer that exports by OTLP over HTTP, as the OTEL_* variables say. It
// opens no connection yet. Spans are queued (by default 2,048) and dropped if the
// collector does not accept them. It must be closed.
func New(cfg Config) (*Tracer, error) {
	if cfg.Logger == nil {
		return nil, errors.New("trace: Logger is required")
	}
	problem := notice.New(cfg.Logger)
	// The SDK's own errors, such as for a malformed OTEL_ variable, are logged once. The
	// arguments are left out: one may be a header with a collector's credentials.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { problem.Problem("OpenTelemetry: " + redact(err)) }))
	otel.SetLogger(funcr.New(func(_, text string) { problem.Problem("OpenTelemetry: " + redact(errors.New(text))) }, funcr.Options{
		RenderArgsHook: func([]any) []any { return nil },
	}))

	ctx := context.Background()
	client, err := newClient()
	if err != nil {
		return nil, err
	}
	otlp, err := otlptracehttp.New(ctx, otlptracehttp.WithHTTPClient(client))
	if err != nil {
		return nil, fmt.Errorf("trace: open the exporter that the OTEL_EXPORTER_OTLP_* variables describe: %w", err)
	}
	// The SDK logs malformed variables itself.
	from, _ := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName(name), semconv.ServiceVersion(cfg.Version), semconv.ServiceInstanceID(cfg.Client),
	), resource.WithFromEnv())
	t := &Tracer{cfg: cfg, exporter: &exporter{SpanExporter: otlp, problem: notice.New(cfg.Logger)}}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(t.exporter), sdk.WithResource(from))
	t.tracer = t.provider.Tracer(name, otrace.WithInstrumentationVersion(cfg.Version), otrace.WithSchemaURL(semconv.SchemaURL))
	return t, nil
}

// Close delivers the queued spans, within the given time. Spans that remain are lost.
func (t *Tracer) Close(within time.Duration) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		// The SDK lets a running export continue; this ends it.
		_ = t.exporter.Shutdown(ctx)
		t.cfg.Logger.Warn("traces: the collector has not accepted the last spans; they are lost")
	}
}

// exporter logs once that spans cannot be delivered, and once that they can be delivered
// again. The spans of a failed delivery are lost.
type exporter struct {
	sdk.SpanExporter
	problem *notice.Notice
}

func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	switch err := e.SpanExporter.ExportSpans(ctx, spans); {
	case err == nil:
		e.problem.Over("traces are delivered again")
	case e.problem.Text() == "": // further errors differ only in details
		e.problem.Problem("traces are not delivered, and spans are lost: " + redact(err) + ": check OTEL_EXPORTER_OTLP_ENDPOINT and the collector")
	}
	return nil
}
