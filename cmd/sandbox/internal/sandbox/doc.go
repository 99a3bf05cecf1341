// Package sandbox is the demonstration behind cmd/sandbox: a broker, a simulated MPC,
// and between them the real service, configured and started as a user does it.
//
//	command.go   flags, help, exit codes
//	sandbox.go   starts and stops the parts
//	examples.go  the events that are sent, and the expected answers; read this first
//	shapes.go    writes failure events and garbage
//	stream.go    sends the events and waits for their answers
//	checker.go   matches events with answers
//	check.go     compares an answer with the expected one
//	answer.go    reads outcomes and dead letters
//	requests.go  the requests for a task, in words
//	printer.go   lines, columns, colours
//	summary.go   the last lines
//	kafka.go     produces and reads with another client than the service's
//	service.go   the service's environment, process life and log
//	smn.go       --smn: the path through SMN and remux-retrier receive
//	faults.go    the faults that a user can choose, and the active one
//	keys.go      switches faults by single keys
//	terminal.go  makes the terminal raw; guard_unix.go always restores it
//	status.go    the status line of MPC and the service
//	metrics.go   reads the service's metrics
//
// It shares no code with what it checks: it has its own reader of outcomes. Only
// cmd/sandbox imports it. It changes the process's environment variables.
package sandbox
