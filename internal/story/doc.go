// Package story remembers what happened to each failure event in this process,
// step by step, so that a person can ask why a task was not retried.
//
//	step.go     what can happen
//	sentence.go the same in plain English
//	store.go    the latest stories, by task
//	compact.go  keeps a story short, however long an outage lasts
//
// It is no record of truth: that is Kafka. It ends with the process, is bounded,
// and forgets the oldest. Nothing is decided by it. internal/retrier and
// internal/app tell it, internal/page and internal/command ask it.
package story
