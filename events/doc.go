// Package events defines the message formats: it reads failure events in the shapes that
// producers write ([ReadFailure]), writes and reads back the service's answers ([Outcome],
// [DecodeOutcome]), and describes records that are not failure events ([Unreadable],
// [DeadLetter]). Package events/schema contains the JSON Schemas and the AsyncAPI document
// of both directions; tests hold them to this code.
//
// The package knows neither Kafka nor MPC's API, does no I/O, starts no goroutine and
// imports no other package of the project. Every package except consumer and mpcclient may
// import it.
//
// Start reading at failure.go (incoming events), then shape.go, notification.go and smn.go
// (the four shapes), foreign.go (other formats) and reader.go (the JSON reader).
// outcome.go, reason.go and encode.go write outcomes; decode.go and value.go read them
// back. recovery.go does both for recoveries. deadletter.go and redrive.go write and
// restore dead letters. newfailure.go and report.go write failure events. relay.go
// reads SMN's notifications for receive.
package events
