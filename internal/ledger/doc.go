// Package ledger knows what the whole consumer group has answered and decided. It has no
// storage of its own: it reads the outcome topics back. Before the first decision of a
// generation it reads them up to their ends ([Ledger.CatchUp]), then it follows them
// ([Ledger.Run]). It knows this instance's outcomes from [Ledger.Decided] and
// [Ledger.Published] and does not read them back.
//
// It keeps two things:
//
//	answered.go   which events of the assigned partitions, at or above the
//	              committed offset, have an outcome, each with its timestamp
//	decisions.go  which decisions within the budget's window concern other
//	              events: calls that cover other events (covers.go), and
//	              accepted retries
//
// With Config.RecoveredTopic it also keeps the results of the accepted retries
// (recovered.go), and reads the topic of recoveries back, too.
//
// Who calls what, and when:
//
//	a generation starts     CatchUp, then Opened for each partition (consumer)
//	a record is read        Answered (internal/app)
//	an event is decided     Covering, Retries, RetryBefore, then Decided before the
//	                        outcome is published (internal/retrier)
//	an outcome is stored    Published (consumer)
//	offsets are committed   Committed (consumer)
//	a task has succeeded    Recovery (internal/app)
//
// internal/app passes the consumer's calls on (its listener).
//
// Memory is bounded. A decision takes about 170 bytes, at most 250 whatever it covers.
// Above 2,000,000 the oldest are dropped, and that is logged. At 100 calls a minute a
// window of one day holds at most 144,000 decisions, 25 MB, however many events the calls
// have answered. An answered event takes about 40 bytes until the committed offset has
// passed it.
//
// The time by which decisions leave the window does not follow a wall clock that jumps
// (timeline.go).
//
// Start reading at api.go, the methods listed above; then follow.go, read.go and
// take.go.
//
// The ledger decides nothing and publishes nothing. It knows neither MPC nor kafka-go.
// Every wait and every goroutine uses its clock, so that a simulation can run it. Only
// internal/app, internal/metrics and test/bench import it.
package ledger
