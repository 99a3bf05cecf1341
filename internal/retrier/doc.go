// Package retrier is the decision: it answers failure events, task by task.
//
//	decide.go   the decision about one event; read this function first
//	retrier.go  what comes in, and what it needs
//	task.go     a task: its events that wait, and how far it is with MPC
//	schedule.go which tasks run, and which wait for what
//	call.go     one retry call
//	doubt.go    what a call may have done, and what the task's state says of it
//	answer.go   what is answered: for one event, or for all that stood in the log
//	exhausted.go when calls have failed too often
//	status.go   asks for the states of tasks, several in one request; told.go: what they are
//	state.go    what a state says
//	cause.go    says why MPC does not serve
//	waiting.go  counts what the events wait for
//	trail.go    tells whoever asks what happens to an event, see package story
//
// The unit of work is the task, however many events tell of it. An event that
// waits is data. A task that has something to do runs in a goroutine with plain,
// blocking code; one that must wait for a time leaves it and comes back by a timer.
//
// An answer is a fact about the task, never about the API: while the API is
// away, throttles or fails, the task waits. Where an answer may have been lost,
// the task's state is asked for before anything is called again. Events of one
// failure share one call, told apart from a later failure by offsets alone.
//
// The package knows neither Kafka nor HTTP: the API, the gate that paces it and
// the event's lease are small interfaces. Only internal/app and the simulation
// import it.
package retrier
