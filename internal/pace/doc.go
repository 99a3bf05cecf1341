// Package pace decides when the API may be called: not faster than the tenant's
// quota, not more calls at once than configured, and hardly at all while the
// API serves nobody.
//
//	gate.go      the queue: one request after another gets its turn
//	rate.go      how far apart the turns are: the quota's share, and throttling
//	health.go    whether the API serves at all, and when to probe it
//	share.go     what a share of the partitions is worth
//
// It does not call the API and does not know tasks. Package retrier uses it;
// internal/app wires it.
package pace
