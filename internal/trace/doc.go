// Package trace turns the steps of an event (package story) into OpenTelemetry
// spans, which continue the trace of the event's producer:
//
//	process remux.failed          from the event's arrival to its outcome's acknowledgement
//	├ wait for the quota, …       what it waited for
//	├ GET remux, PUT remux        queries and calls of MPC
//	└ send remux.retried          the outcome, whose traceparent names this span
//
//	tracer.go      set-up, exporter, and log lines when the exporter fails
//	client.go      the exporter's HTTP client
//	span.go        the spans of one event
//	attributes.go  their attributes
//
// Names and attributes follow OpenTelemetry's semantic conventions for messaging and
// HTTP. Everything is configured by OpenTelemetry's standard variables OTEL_*, most of
// which the SDK reads. No event waits for a collector; only Close does, for a limited time.
// Nothing here decides anything or is sent to MPC. Only internal/app imports it.
package trace
