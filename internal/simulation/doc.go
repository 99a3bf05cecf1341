// Package simulation tests what the service guarantees by running it: several instances,
// without sockets, run against an in-memory Kafka (memlog) and a simulated MPC, while faults
// happen everywhere. One number, the seed, decides everything: what happens when, and which
// of the runnable goroutines runs next. A naive model watches and names the invariant that
// is violated.
//
// It does not test Kafka, HTTP or the message formats; other tests do that with the real
// ones. Only cmd/simulate and tests import it.
//
//	run.go        one seed, from the plan to the result; read this first
//	sched.go      routines in virtual time; clock.go: their clock.Clock
//	signal.go     what they wait for; coroutine.go: what runs them
//	plan.go       a seed's plan: sizes, and which faults happen when
//	trouble.go    the faults; topics.go: faults of topics and positions
//	instance.go   one instance: started, stopped, paused, killed
//	network.go    between instance and brokers: delays, losses, late arrivals
//	mpc.go        tasks and their states; api.go: the calls; apifaults.go: API faults
//	producer.go   publishes failure events
//	aftermath.go  what continues after all faults have ended, and must not delay others
//	limit.go      an API that admits fewer requests than the quota
//	recovered.go  tasks that succeed, and their recoveries
//	outcomes.go   an outcome partition that cannot be written
//	slow.go       brokers that answer late or wrongly; reading.go: clocks that jump
//	model.go      what has happened; check_*.go: what must never happen, and what must in time
//	story.go      tells what happens, line by line, for a person
//	memlog/       the in-memory Kafka
//	breaks/       breaks the service on purpose: the simulation must notice
package simulation
