// Package simulation proves contract and protocols by trying: the whole service
// but its sockets, several instances of it, runs against Kafka in memory
// (memlog) and a simulated MPC, while everything goes wrong that can. One number,
// the seed, decides all of it: what happens when, and which of the goroutines
// that could go on goes on next. A naive model watches, and names the invariant
// that was broken.
//
// It is no test of Kafka, of HTTP or of the wire: those have their own, on the
// real thing. cmd/simulate and tests import it, nothing else does.
//
//	run.go      one seed, from the plan to the verdict; read this first
//	sched.go    routines in virtual time · clock.go their clock.Clock
//	signal.go   what they wait for · coroutine.go what runs them
//	plan.go     a seed's plan: how large, which troubles, when
//	trouble.go  what can go wrong · topics.go with topics and positions
//	instance.go one instance: started, stopped, paused, killed
//	network.go  between instance and brokers: delays, losses, late arrivals
//	mpc.go      tasks and their states · api.go the calls, weather.go their fate
//	producer.go who publishes failure events
//	calm.go     what goes on after everything has healed, and may hold up nobody
//	limit.go    an API that admits fewer requests than the quota
//	recovered.go tasks that succeed, and what is told of it
//	outcomes.go an outcome partition that cannot be written · slow.go brokers that
//	            answer late or strangely · reading.go clocks that jump
//	model.go    what has happened · check_*.go what must never, and what must in time
//	story.go    a violation, told so that a person can follow it
package simulation
