// Package e2e tests the service from outside: the real binary as a process, a real
// Apache Kafka, and other Kafka clients than the service's own. It uses only what is
// documented (variables, topics, headers, exit codes), and nothing of the service's code.
//
// The tests have the build tag kafka: `make test-kafka` runs them. Scenarios share
// one broker and run in parallel, each with its own rig (rig_test.go). Those that
// stop brokers start their own cluster. `make soak` runs the tests that take minutes,
// or that measure time and so need a quiet machine.
package e2e
