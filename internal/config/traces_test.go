package config

import (
	"strings"
	"testing"
)

const (
	endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	protocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
)

func TestTracesAreExportedOnlyWhereACollectorIsNamed(t *testing.T) {
	const collector = "http://collector:4318"
	for _, c := range []struct {
		changes []string
		want    bool
	}{
		{nil, false},
		{[]string{"OTEL_SERVICE_NAME", "mine"}, false},
		{[]string{endpoint, ""}, false},
		{[]string{endpoint, collector}, true},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://collector/v1/traces"}, true},
		{[]string{endpoint, collector, protocol, "http/json"}, true},
		{[]string{endpoint, collector, "OTEL_SDK_DISABLED", "true"}, false},
		{[]string{endpoint, collector, "OTEL_TRACES_EXPORTER", "none"}, false},
		{[]string{endpoint, collector, protocol, "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"}, true},
		// Variables that a platform sets everywhere must not prevent a service from running
		// that exports nothing.
		{[]string{protocol, "grpc"}, false},
		{[]string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"}, false},
		{[]string{"OTEL_TRACES_EXPORTER", "console"}, false},
		{[]string{"OTEL_SDK_DISABLED", "1"}, false},
		{[]string{endpoint, "collector:4317", protocol, "grpc", "OTEL_SDK_DISABLED", "True"}, false},
		{[]string{endpoint, "collector:4317", protocol, "grpc", "OTEL_TRACES_EXPORTER", "None"}, false},
	} {
		if got := load(t, c.changes...); got.Traces != c.want || len(got.Warnings) != 0 {
			t.Errorf("%q: %v, warnings %q", c.changes, got.Traces, got.Warnings)
		}
	}
}

// The SDK would use its default instead, and the spans would be lost.
func TestWhatTheExporterWouldPassOverIsRefused(t *testing.T) {
	for _, c := range [][3]string{
		{endpoint, "collector:4317", `must be a URL such as http://collector:4318`},
		{endpoint, "grpc://collector:4317", "must be a URL"},
		{endpoint, "http://", "must be a URL"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://collector:99999", "must be a URL"},
		{protocol, "grpc", `is "grpc": it must be http/protobuf or http/json`},
		{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "must be http/protobuf or http/json"},
		{"OTEL_TRACES_EXPORTER", "jaeger", "must be otlp or none"},
		{"OTEL_TRACES_EXPORTER", "otlp,console", "must be otlp or none"},
	} {
		if problem := refused(t, c[0], exporting(c[0], c[1])...); !strings.Contains(problem, c[2]) {
			t.Errorf("%s=%s: %s", c[0], c[1], problem)
		}
	}
}

// The standard reads every value except true as false, and so does the SDK.
func TestWhatDoesNotDisableTheSDKIsSaid(t *testing.T) {
	got := load(t, exporting("OTEL_SDK_DISABLED", "1")...)
	if !got.Traces || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], `OTEL_SDK_DISABLED is "1"`) {
		t.Errorf("%v, warnings %q", got.Traces, got.Warnings)
	}
}

func TestACollectorsPasswordIsNotShown(t *testing.T) {
	for _, value := range []string{"https://me:hunter2@collector", "https://collector?key=hunter2"} {
		problem := refused(t, endpoint, endpoint, value)
		if strings.Contains(problem, "hunter2") || !strings.Contains(problem, "OTEL_EXPORTER_OTLP_HEADERS") {
			t.Error(problem)
		}
	}
}
