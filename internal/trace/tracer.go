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

// name is the service's and the instrumentation's.
const name = "remux-retrier"

// Config of a Tracer. All fields are required.
type Config struct {
	Version string
	// Group is the consumer group, Client the id by which the brokers know this
	// instance.
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

// New makes a tracer that exports by OTLP over HTTP, where and how the OTEL_*
// variables say. It opens no connection yet. Spans are queued (2,048 of them by
// default) and dropped if the collector does not take them. It must be closed.
func New(cfg Config) (*Tracer, error) {
	if cfg.Logger == nil {
		return nil, errors.New("trace: Logger is required")
	}
	say := notice.New(cfg.Logger)
	// The SDK's own complaints, such as of a malformed OTEL_ variable, belong into
	// the log like all else, and once is enough. What it complains of is left out:
	// it may be a header with a collector's credentials.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { say.Problem("OpenTelemetry: " + said(err)) }))
	otel.SetLogger(funcr.New(func(_, text string) { say.Problem("OpenTelemetry: " + said(errors.New(text))) }, funcr.Options{
		RenderArgsHook: func([]any) []any { return nil },
	}))

	ctx := context.Background()
	sender, err := newClient()
	if err != nil {
		return nil, err
	}
	client, err := otlptracehttp.New(ctx, otlptracehttp.WithHTTPClient(sender))
	if err != nil {
		return nil, fmt.Errorf("trace: open the exporter that the OTEL_EXPORTER_OTLP_* variables describe: %w", err)
	}
	// Of what is malformed in the variables the SDK complains itself.
	from, _ := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName(name), semconv.ServiceVersion(cfg.Version), semconv.ServiceInstanceID(cfg.Client),
	), resource.WithFromEnv())
	t := &Tracer{cfg: cfg, exporter: &exporter{SpanExporter: client, trouble: notice.New(cfg.Logger)}}
	t.provider = sdk.NewTracerProvider(sdk.WithBatcher(t.exporter), sdk.WithResource(from))
	t.tracer = t.provider.Tracer(name, otrace.WithInstrumentationVersion(cfg.Version), otrace.WithSchemaURL(semconv.SchemaURL))
	return t, nil
}

// Close delivers what is queued, for as long as it may take at most. What then
// remains is lost.
func (t *Tracer) Close(within time.Duration) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		// The SDK lets an export under way run on; this ends it.
		_ = t.exporter.Shutdown(ctx)
		t.cfg.Logger.Warn("traces: the collector has not taken the last spans; they are lost")
	}
}

// exporter says once that spans cannot be delivered, and once that they can be
// again. The spans of a failed delivery are lost.
type exporter struct {
	sdk.SpanExporter
	trouble *notice.Notice
}

func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	switch err := e.SpanExporter.ExportSpans(ctx, spans); {
	case err == nil:
		e.trouble.Over("traces are delivered again")
	case e.trouble.Text() == "": // later texts differ by what does not matter
		e.trouble.Problem("traces are not delivered, and spans are lost: " + said(err) + ": check OTEL_EXPORTER_OTLP_ENDPOINT and the collector")
	}
	return nil
}
