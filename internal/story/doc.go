// Package story keeps what happened to each failure event in this process, step by step,
// to explain why a task was not retried.
//
//	step.go      the kinds of steps
//	sentence.go  a step in plain English
//	store.go     the latest stories, by task
//	compact.go   keeps a story short, also in a long outage
//
// It is not the truth: that is in Kafka. It ends with the process, is bounded, and drops
// the oldest stories. No decision depends on it. internal/retrier and internal/app add
// steps; internal/trace turns them into spans; internal/page reads stories. Otherwise only
// test/browser imports it.
package story
