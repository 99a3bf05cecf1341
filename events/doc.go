// Package events is the wire: it reads failure events in the shapes that
// producers write them ([ReadFailure]), writes and reads back the service's
// answers ([Outcome], [DecodeOutcome]), and names what could not be read
// ([Unreadable], [DeadLetter]). The JSON Schemas and the AsyncAPI document of
// both directions stand in package events/schema, held to this code by tests.
//
// It knows neither Kafka nor MPC's API, does no I/O, starts no goroutine and
// imports no other package of the project; every other package may import it.
//
// Read failure.go first (what comes in), then shape.go, notification.go and smn.go
// (the four shapes), foreign.go (what comes instead) and reader.go (the JSON
// underneath); outcome.go, reason.go and encode.go for what goes out; decode.go and
// value.go for reading that back; recovery.go for a task's recovery; deadletter.go and redrive.go for dead letters,
// there and back; ask.go for asking for a retry ourselves.
package events
