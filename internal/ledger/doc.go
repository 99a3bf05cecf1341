// Package ledger knows what the whole consumer group has answered and decided.
// It has no store of its own: it reads the outcome topics back, up to their ends
// as of the assignment before the first decision of a generation ([Ledger.CatchUp]),
// and follows them from then on ([Ledger.Run]).
//
// A rebalance that leaves a member nothing but partitions which it had reads only
// what is new: their answers are kept (follow.go, assign).
//
// Of what it reads it keeps two things:
//
//	answered.go   which events of the assigned partitions, at or above the
//	              committed offset, have an outcome, each with its timestamp
//	decisions.go  which decisions of the budget's window say something about
//	              other events: those whose call covers events, and accepted retries
//
// What it keeps is bounded. A decision costs about 180 bytes, a million in the
// window 180 MB, read at some 50,000 a second (BenchmarkMillionOutcomes); beyond
// 2,000,000 the oldest are forgotten, which is said. At 100 calls a minute a
// window of a day holds at most 144,000 decisions, 26 MB, however many events
// their calls have answered. An answered event costs about 40 bytes until the
// committed offset has passed it.
//
// Read ledger.go for what is asked of it, then follow.go and read.go.
//
// It decides nothing and publishes nothing, and knows neither MPC nor kafka-go.
// Every wait and every goroutine is its clock's, so that a simulation can run it.
// Only internal/app and the simulation import it.
package ledger
