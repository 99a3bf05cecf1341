// Package consumer reads a topic as a member of a consumer group, hands each record to a
// Handler, publishes what the handler answers, and commits.
//
// The path of a record:
//
//	partition.read    fetches a page and hands out its records, as far as the look-ahead allows
//	Handler.Receive   takes the record; it answers later, through its Delivery
//	tracker.resolve   marks the record as answered
//	generation.commit commits the low-water mark and its metadata, once a second
//
// The files:
//
//	consumer.go, client.go       the Consumer and its Handler; Kafka as an interface
//	generation.go, ownership.go  one assignment from start to end; are its partitions still ours
//	listener.go                  reports assignments, messages and commits to the service
//	open.go, barrier.go          where a partition starts
//	partition.go, large.go       reads one partition; large records, one at a time
//	lookahead.go, fetchsizer.go  bound the memory for records
//	delivery.go                  one record, as its handler sees it
//	observations.go              which records were in the log before a call
//	publisher.go, writable.go, rejected.go
//	                             messages on their way to Kafka
//	tracker.go, position.go, lead.go
//	                             what is answered, called and may be committed
//	commit.go, metadata.go       commits and the text stored with them
//	recreated.go, topicgone.go   the topic is not the committed one any more
//	stats.go                     the Consumer's status
//
// Guarantees: no record is skipped. An offset is committed only after every record below it
// is answered: its message is acknowledged by all in-sync replicas, or it needs none. A
// generation that ends is drained and committed, so the next owner repeats nothing. After a
// crash the next owner knows which records' calls are in doubt.
//
// The package knows records, not tasks and not MPC. It imports neither events nor mpcclient
// nor kafka-go: Kafka is the interface Client, implemented by package kafkalog. Only
// internal/app runs a Consumer; other packages use its types and Client.
package consumer
