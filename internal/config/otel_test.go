package config

import (
	"strings"
	"testing"
)

// exporting is a configuration that exports traces, with the variables.
func exporting(variables ...string) []string {
	return append([]string{endpoint, "http://collector:4318"}, variables...)
}

// The SDK would report half of it, or nothing, and use its default.
func TestWhatTheSDKWouldPassOverIsRefused(t *testing.T) {
	for _, c := range []struct{ name, value, says string }{
		{"OTEL_EXPORTER_OTLP_HEADERS", "abc", "comma-separated name=value"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a=b,", "comma-separated name=value"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "two words=b", "comma-separated name=value"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d", "percent-encoded"},
		{"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b%zz", "percent-encoded"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "bogus", `is "bogus": it must be milliseconds`},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "without a unit"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "0", "positive"},
		{"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1", "positive"},
		{"OTEL_TRACES_SAMPLER", "jaeger_remote", "one of always_on, always_off, traceidratio, parentbased_always_on,"},
		{"OTEL_BSP_SCHEDULE_DELAY", "5s", "milliseconds"},
		{"OTEL_BSP_EXPORT_TIMEOUT", "3e4", "milliseconds"},
		{"OTEL_BSP_MAX_QUEUE_SIZE", "x", `is "x": it must be a positive whole number`},
		{"OTEL_BSP_MAX_QUEUE_SIZE", " 2048", `is " 2048"`},
		{"OTEL_BSP_MAX_QUEUE_SIZE", "-5", "positive"}, // at which the SDK panics
		{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "99999999999999999999", "positive"},
		{"OTEL_RESOURCE_ATTRIBUTES", "production", "comma-separated key=value"},
		{"OTEL_RESOURCE_ATTRIBUTES", "=b", "comma-separated key=value"},
	} {
		problem := refused(t, c.name, exporting(c.name, c.value)...)
		if !strings.HasPrefix(problem, c.name+" ") || !strings.Contains(problem, c.says) {
			t.Errorf("%s=%s: %s", c.name, c.value, problem)
		}
	}
	for _, share := range []string{"half", "1.1", "-0.1", "NaN"} {
		problem := refused(t, "OTEL_TRACES_SAMPLER_ARG", exporting("OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", share)...)
		if !strings.Contains(problem, "from 0 to 1") {
			t.Errorf("%s: %s", share, problem)
		}
	}
}

func TestWhatTheSDKTakesIsTakenAndNotWarnedOf(t *testing.T) {
	if w := load(t, exporting(
		"OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20dTpwYXNz==, x-tenant=a", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=",
		"OTEL_EXPORTER_OTLP_TIMEOUT", "10000", "OTEL_TRACES_SAMPLER", " ParentBased_TraceIDRatio", "OTEL_TRACES_SAMPLER_ARG", "0.25",
		"OTEL_BSP_MAX_QUEUE_SIZE", "4096", "OTEL_BSP_SCHEDULE_DELAY", "1", "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=a%20b,team=",
		"OTEL_SERVICE_NAME", "mine")...).Warnings; len(w) != 0 {
		t.Errorf("%q", w)
	}
	load(t, exporting("OTEL_TRACES_SAMPLER", "always_on", "OTEL_TRACES_SAMPLER_ARG", "read by another sampler")...)
	load(t, exporting("OTEL_BSP_MAX_QUEUE_SIZE", "", "OTEL_EXPORTER_OTLP_TIMEOUT", " ")...)
}

func TestAllTracesMistakesComeTogetherAfterTheTables(t *testing.T) {
	environment(t, with(exporting("OTEL_BSP_MAX_QUEUE_SIZE", "x", "OTEL_EXPORTER_OTLP_TIMEOUT", "bogus", "OTEL_EXPORTER_OTLP_HEADERS", "abc",
		"LOG_LEVEL", "loud", endpoint, "nowhere")...))
	_, err := Load()
	if err == nil {
		t.Fatal("accepted")
	}
	var names []string
	for line := range strings.Lines(err.Error()) {
		names = append(names, strings.Fields(line)[0])
	}
	if got := strings.Join(names, " "); got != "LOG_LEVEL "+endpoint+" OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_TIMEOUT OTEL_BSP_MAX_QUEUE_SIZE" {
		t.Errorf("%v", err)
	}
}

func TestWhereNothingIsExportedTheStandardsVariablesDoNotMatter(t *testing.T) {
	bad := []string{"OTEL_BSP_MAX_QUEUE_SIZE", "x", "OTEL_EXPORTER_OTLP_HEADERS", "abc"}
	load(t, bad...)
	load(t, exporting(append(bad, "OTEL_SDK_DISABLED", "true")...)...)
	load(t, exporting(append(bad, "OTEL_TRACES_EXPORTER", "none")...)...)
}

func TestACollectorsCredentialsAreNotShown(t *testing.T) {
	for _, value := range []string{"Authorization Bearer s3cr3t", "api-key=s3cr3t%zz", "a=b,s3cr3t"} {
		problem := refused(t, "OTEL_EXPORTER_OTLP_HEADERS", exporting("OTEL_EXPORTER_OTLP_HEADERS", value)...)
		if strings.Contains(problem, "s3cr3t") || !strings.Contains(problem, "value not shown") {
			t.Error(problem)
		}
	}
}
