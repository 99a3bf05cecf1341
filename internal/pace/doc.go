// Package pace decides when the API may be called. Three things limit it, and
// each has a file of its own:
//
//	quota.go     the tenant's quota: this instance's share of it, evenly spaced
//	throttle.go  a limit that is not known: the API refuses calls above it
//	breaker.go   the circuit breaker: the API serves nobody
//
// gate.go puts them together, permit.go is what callers use, queue.go is the order
// in which they get their turns. share.go says what share of the quota partitions
// are, and what a new owner of them carries over from the former ones.
//
// It does not call the API and does not know tasks. Package retrier uses it;
// internal/app wires it.
package pace
