// Package pace decides when the API may be called. Three limits apply, each in a file of
// its own:
//
//	quota.go     the tenant's quota: this instance's share of it, evenly spaced
//	throttle.go  an unknown limit: the API refuses calls above it (limit.go: how it is
//	             learned; meter.go: the rate that was admitted)
//	breaker.go   the circuit breaker: the API fails for all
//
// gate.go combines them. permit.go is what callers use. queue.go is the order in which
// callers get their turns. share.go computes the share of the quota for an instance's
// partitions, and what a new owner must leave for requests of the former ones.
//
// The package does not call the API and does not know tasks. Only internal/app,
// internal/metrics, internal/retrier and tests import it.
package pace
