// Package retrier decides: it answers failure events, task by task.
//
//	decide.go       the decision about one event; read this function first
//	retrier.go      the interfaces to the rest of the service
//	task.go         a task: its waiting events and its progress with MPC
//	schedule.go     which tasks are active, and what the others wait for
//	call.go         one retry call
//	doubt.go        calls with an unknown result, and what the task's state tells about them
//	answer.go       the outcome: for one event, or for all that were in the log
//	exhausted.go    when calls have failed too often
//	status.go       queries task states, several in one request
//	statusresult.go the results of a query
//	statusfailure.go
//	                what a query that fails means, and how long its requests wait
//	state.go        what a state means
//	cause.go        logs why MPC does not serve
//	waiting.go      counts what the events wait for
//	queues.go       tasks in order of arrival, and by time
//	recent.go       this process's latest decisions
//	steps.go        reports what happens to an event, see package story
//
// The unit of work is the task, however many events it has. A waiting event is data. A task
// with something to do runs in a goroutine, with plain blocking code. A task that must wait
// for a time leaves the goroutine and comes back by a timer.
//
// An answer is a fact about the task, never about the API: while the API is unavailable,
// throttles or fails, the task waits. If an answer may have been lost, the task's state is
// queried before anything is called again. Events of one failure share one call. Offsets
// alone tell them apart from a later failure.
//
// The package knows neither Kafka nor HTTP: the API, the ledger and the event's lease are
// small interfaces. Only internal/app, internal/metrics and the simulation import it.
package retrier
