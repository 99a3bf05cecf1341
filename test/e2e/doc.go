// Package e2e tries the service from outside: the real binary as a process of
// its own, a real Apache Kafka, and Kafka clients of another make. It knows the
// contract (variables, topics, headers, exit codes) and nothing of the code.
//
// The tests carry the build tag kafka: `make test-kafka` runs them. Scenarios
// share one broker and run side by side, each in a rig of its own (rig_test.go);
// those that stop brokers start their own. `make soak` runs those that take minutes,
// or measure: they want the machine for themselves.
package e2e
