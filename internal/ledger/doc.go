// Package ledger knows what the whole consumer group has answered and decided.
// It has no store of its own: it reads the outcome topics back, up to their ends
// as of the assignment before the first decision of a generation ([Ledger.CatchUp]),
// and follows them from then on ([Ledger.Run]). Its own outcomes it knows from
// [Ledger.Decided] and [Ledger.Published], and does not read them back.
//
// Of what it reads it keeps two things:
//
//	answered.go   which events of the assigned partitions, at or above the
//	              committed offset, have an outcome, each with its timestamp
//	decisions.go  which decisions of the budget's window say something about
//	              other events: those whose call covers events (covers.go), and
//	              accepted retries
//
// With Config.Recovered it also keeps what became of the accepted retries
// (recovered.go), and reads that topic back, too.
//
// What it keeps is bounded. A decision costs about 170 bytes, at most 250 whatever it
// covers; beyond 2,000,000 the oldest are forgotten, on whatever topic they are, which
// is logged. At 100 calls a minute a window of a day holds at most 144,000 decisions,
// 25 MB, however many events their calls have answered. An answered event costs about
// 40 bytes until the committed offset has passed it.
//
// The present, by which decisions leave the window, does not follow a wall clock that
// jumps (timeline.go).
//
// Read ask.go for what is asked of it, then follow.go, read.go and take.go.
//
// It decides nothing and publishes nothing, and knows neither MPC nor kafka-go.
// Every wait and every goroutine is its clock's, so that a simulation can run it.
// Only internal/app and the simulation import it.
package ledger
