// Package consumer carries records from a topic to a handler and what the
// handler makes of them back to Kafka: it joins the group, reads the assigned
// partitions, hands every record to the handler at once, publishes, and commits.
//
// A record's way:
//
//	partition.read    fetch a page, take its records on, as far as the look-ahead goes
//	partition.handle  the handler, one goroutine a record; it publishes through its Delivery
//	tracker.resolve   the record is answered
//	generation.commit the low-water mark, and the mark beside it, once a second
//
// It promises: no record is passed over; an offset is committed only after the
// handler has returned nil, hence after its messages were acknowledged; a
// generation that ends is drained and committed, so that the next owner repeats
// nothing; after a crash the next owner knows which records' calls are in doubt.
//
// It knows records, not tasks and not MPC. It imports neither events nor
// mpcclient nor kafka-go: Kafka is the interface Log, which package kafkalog
// implements. Only internal/app and the simulation import it.
package consumer
