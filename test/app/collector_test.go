package app_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is an OpenTelemetry collector that keeps the requests it gets.
type receiver struct {
	*httptest.Server
	mu        sync.Mutex
	bodies    bytes.Buffer
	resources []*otlp.ResourceSpans
}

func startCollector(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var export collector.ExportTraceServiceRequest
		if err != nil || request.URL.Path != "/v1/traces" || proto.Unmarshal(body, &export) != nil {
			t.Errorf("not understood: %s %v", request.URL, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies.Write(body)
		r.resources = append(r.resources, export.ResourceSpans...)
	}))
	t.Cleanup(r.Close)
	return r
}

// span is a received span, with its attributes as text.
type span struct {
	*otlp.Span
	trace, id, parent string
	attributes        map[string]string
}

// spans returns all received spans.
func (r *receiver) spans() []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []span
	for _, resource := range r.resources {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				all = append(all, span{
					s, hex.EncodeToString(s.TraceId), hex.EncodeToString(s.SpanId), hex.EncodeToString(s.ParentSpanId), texts(s.Attributes),
				})
			}
		}
	}
	return all
}

// texts returns attributes as text.
func texts(attributes []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[a.Key] = strconv.FormatInt(v.IntValue, 10)
		}
	}
	return m
}

// of returns the root span of a task's event, and the spans under it in the order in which
// they began.
func of(t *testing.T, all []span, task string) (root span, parts []span) {
	t.Helper()
	i := slices.IndexFunc(all, func(s span) bool { return s.attributes["remux.task_id"] == task })
	if i < 0 {
		t.Fatalf("no span has task %s", task)
	}
	for _, s := range all {
		if s.parent == all[i].id {
			parts = append(parts, s)
		}
	}
	slices.SortStableFunc(parts, func(a, b span) int { return int(a.StartTimeUnixNano) - int(b.StartTimeUnixNano) })
	return all[i], parts
}

func names(spans []span) []string {
	var names []string
	for _, s := range spans {
		names = append(names, s.Name)
	}
	return names
}
