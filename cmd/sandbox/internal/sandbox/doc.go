// Package sandbox is the demonstration behind cmd/sandbox: a broker, a
// simulated MPC, and the real service between them, which is configured and
// started as a user would and knows nothing of it.
//
//	command.go   flags, help, exit codes
//	sandbox.go   the parts' life, from start to stop
//	scenes.go    what is sent, and what must become of it; read this first
//	shapes.go    how failure events and garbage are written
//	stream.go    sends the events and waits for their answers
//	board.go     matches events with answers, and says what is not as expected
//	check.go     the expectations themselves
//	answer.go    reads outcomes and dead letters
//	trail.go     what MPC saw of a task, in words
//	paper.go     lines, columns, colours
//	summary.go   the whole, in the end
//	kafka.go     produces and reads with a client that is not the service's
//	service.go   the service's environment, life and log
//	smn.go       the way by SMN and remux-retrier receive, of --smn
//	faults.go    the faults a user can ask for
//	weather.go   the one in force
//	keys.go      switches them by single keys
//	terminal.go  a raw terminal; guard_unix.go gives it back whatever happens
//	status.go    the line that says how MPC and the service are
//	meter.go     the service's own figures
//	voice.go     what the service's log says to those who watch
//
// Nothing here shares code with what it checks: outcomes are read by a reader
// of their own. Only cmd/sandbox imports the package. It takes over the
// process's environment variables.
package sandbox
