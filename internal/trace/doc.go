// Package trace turns the steps of an event (package story) into OpenTelemetry
// spans, which continue the trace of the event's producer:
//
//	process remux.failed          from the event's arrival to its outcome's acknowledgement
//	├ wait for the quota, …       what it waited for
//	├ GET remux, PUT remux        queries and calls of MPC
//	└ send remux.retried          the outcome, whose traceparent names this span
//
//	tracer.go   set up and closed; the exporter, and what is said when it fails
//	span.go     one event
//	attributes.go what the spans say
//
// Names and attributes follow OpenTelemetry's semantic conventions for messaging
// and HTTP. Everything is configured by the standard's OTEL_* variables, which the
// SDK reads. Nothing here waits for a collector, decides anything, or goes into a
// request to MPC. Only internal/app imports it.
package trace
