package consumer

import (
	"context"
	"errors"
	"time"
)

// Log is all that the consumer asks of Kafka. Package kafkalog implements it on
// kafka-go; tests and simulations implement it in memory. Every method blocks,
// returns soon after its context is done, and is safe for concurrent use.
type Log interface {
	// Join waits for this member's next generation of the group. The
	// generation before must have been released.
	Join(ctx context.Context) (Generation, error)
	// Leave ends the membership and releases the current generation: nothing
	// of it may be called afterwards, and Join fails. It returns when the group
	// knows, or when the context is done.
	Leave(ctx context.Context) error
	// Fetch reads the committed records of a partition from offset on. Where
	// there are none yet it waits a moment for them and then returns a page
	// without records. maxBytes bounds the page as it is stored; at least one
	// batch is read, however large. What a page holds unpacked is bounded, too: it
	// ends early, and a record that is larger than maxBytes, and than any usual
	// one, comes without its contents (Record.LeftOut).
	//
	// It fails with ErrOffsetOutOfRange, with ErrUnknownTopic, or with a
	// passing error.
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (Page, error)
	// Bounds gives the offset of a partition's first record and the offset
	// that its next record will get.
	Bounds(ctx context.Context, topic string, partition int) (first, next int64, err error)
	// Produce appends messages to one partition, as one batch, and returns the
	// offset of the first once all in-sync replicas have them: the others follow
	// it without a gap. An error leaves it open whether they have. ErrTooLarge and ErrInvalidRecord: the topic's settings forbid it, for
	// at least one message of the batch.
	Produce(ctx context.Context, topic string, partition int, messages []Message) (first int64, err error)
	// PartitionFor is the partition that Kafka's Java producer would choose for
	// the key (murmur2); a nil key may go anywhere.
	PartitionFor(ctx context.Context, topic string, key []byte) (int, error)
	// Partitions counts a topic's partitions; ErrUnknownTopic if there is none.
	Partitions(ctx context.Context, topic string) (int, error)
}

// Generation is one assignment of partitions to this member. It lasts until the
// group rebalances; what is committed under it afterwards is refused.
type Generation interface {
	// ID numbers the group's generations.
	ID() int
	// Assigned lists this member's partitions of the consumed topic, ascending.
	Assigned() []int
	// Leads tells whether this member has shared out the topic's partitions, as
	// the group's leader, and how many there were then. Only its return has the
	// group share them out anew; whoever else comes back to a group in which
	// nothing has changed is let into this very generation.
	Leads() (of int, leads bool)
	// Ended is closed when the group has begun to rebalance, or was lost. The
	// member keeps its partitions, and may commit, until it releases the
	// generation or the rebalance time-out is over.
	Ended() <-chan struct{}
	// Committed reads the group's positions of all partitions of the consumed
	// topic, assigned or not. A partition without one is absent.
	Committed(ctx context.Context) (map[int]Position, error)
	// Commit stores positions, all or none of which count as stored. It is also
	// the member's sign of life. ErrNotOwner: this generation is over. ErrRefused:
	// the broker has answered, and will not store them any more. Any other error
	// leaves that open for as long as the generation lasts.
	Commit(ctx context.Context, positions map[int]Position) error
	// Release gives the generation back: everything of it has ended. A second
	// time does nothing.
	Release()
}

// Position is what a group has committed for a partition.
type Position struct {
	// Offset is the low-water mark: every record below it is answered.
	Offset int64
	// Metadata is the commit's text, see Mark.
	Metadata string
}

// Page is what one fetch brought.
type Page struct {
	// Records in ascending order of their offsets. Their memory is their own.
	Records []Record
	// Next is the offset to fetch from next; it passes records that were
	// aborted or compacted away.
	Next int64
	// End is the offset up to which the partition can be read (its last stable
	// offset), as far as this answer knows.
	End int64
	// Throttled is for how long the broker held this client back meanwhile, by a
	// quota. The Log waited that out, or is about to.
	Throttled time.Duration
}

// Header is one header of a record: an alias, so that other packages' headers of
// the same form need not be copied.
type Header = struct {
	Key   string
	Value []byte
}

// Record is a record as it stands in the log.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	// Key and Value are nil where the record has none.
	Key, Value []byte
	Headers    []Header
	// LeftOut, where not nil: the record's contents are too large to be read like
	// others'. Key, Value and Headers are nil.
	LeftOut *LeftOut
}

// LeftOut tells what is known of records whose contents were not read.
type LeftOut struct {
	// Size in bytes: the record's, unpacked. Of several records it is their batch's,
	// as it is stored.
	Size int64
	// Last is the offset of the last record that is left out: from the Record's own
	// offset on, all are. They are one, unless their batch cannot be unpacked.
	Last int64
	// Why says to a person what is too large.
	Why string
}

// HasTime tells whether a record's time is one: Kafka writes −1 for none, and no
// record is older than Kafka.
func HasTime(t time.Time) bool { return t.Year() >= 2000 }

// size is in bytes.
func (r *Record) size() int {
	size := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		size += len(h.Key) + len(h.Value) + headerBytes
	}
	return size
}

// Message is a record to be.
type Message struct {
	Topic      string
	Key, Value []byte
	Headers    []Header
}

// Errors of a Log that mean something to the consumer. Every other error is
// passing: it is said once, and the operation is tried again.
var (
	// ErrNotOwner: the broker no longer knows this member in this generation.
	ErrNotOwner = errors.New("this generation of the group is over")
	// ErrRefused: a commit was answered, and will have no effect later.
	ErrRefused = errors.New("refused")
	// ErrOffsetOutOfRange: the partition does not hold the offset asked for.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrUnknownTopic: the topic, or its partition, does not exist.
	ErrUnknownTopic = errors.New("unknown topic or partition")
	// ErrTooLarge: the topic's limit refuses the message.
	ErrTooLarge = errors.New("larger than the topic takes: raise its max.message.bytes")
	// ErrInvalidRecord: the topic wants other records, such as ones with a key.
	ErrInvalidRecord = errors.New("refused by the topic: with cleanup.policy=compact it takes no record without a key")
)
