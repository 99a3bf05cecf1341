// Package retrier is the decision: one failure event in, one answer out.
//
//	answer.go   the decision itself; read this function first
//	errand.go   one event on its way: its calls and its outcome
//	cover.go    what is answered: an event alone, or all that stood in the log
//	doubt.go    what a call may have done, and what the task's state says of it
//	patience.go how long a failed event rests, and when it has failed too often
//	inquirer.go asks for the states of tasks, several in one query
//	state.go    what a state says
//	tasks.go    one event of a task at a time
//	cause.go    says why the API does not serve
//	waiting.go  what the events wait for that have no answer yet
//	trail.go    tells whoever asks what happens to an event, see package story
//
// An answer is a fact about the task, never about the API: while the API is
// away, throttles or fails, the event waits. Where an answer may have been lost,
// the task's state is asked for before anything is called again. Events of one
// failure share one call, told apart from a later failure by offsets alone.
//
// The package knows neither Kafka nor HTTP: the API, the gate that paces it and
// the event's lease are small interfaces. Only internal/app and the simulation
// import it.
package retrier
