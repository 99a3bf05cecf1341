package consumer

import (
	"context"
	"errors"
	"time"
)

// Client is what the consumer needs from Kafka. Package kafkalog implements it with
// kafka-go; package memlog implements it in memory, for tests and the simulation. Every
// method blocks, returns soon after its context is done, and is safe for concurrent use.
type Client interface {
	// Join waits for this member's next generation of the group. The previous generation
	// must have been released.
	Join(ctx context.Context) (Generation, error)
	// Leave ends the membership and releases the current generation. No method of that
	// generation may be called afterwards, and Join fails. Leave returns when the group
	// knows, or when the context is done.
	Leave(ctx context.Context) error
	// Fetch reads the committed records of a partition, starting at offset. At the end of
	// the partition it waits a moment for new records and then returns a page without
	// records. maxBytes bounds the page in its stored (compressed) size; at least one batch
	// is read, however large. The unpacked size is bounded too: a page may end early, and a
	// record larger than both maxBytes and 1 MiB comes without its contents
	// (Record.LeftOut).
	//
	// Fetch fails with ErrOffsetOutOfRange, ErrUnknownTopic, or a temporary error.
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (Page, error)
	// Bounds returns the offset of a partition's first record and the offset that its next
	// record will get.
	Bounds(ctx context.Context, topic string, partition int) (first, next int64, err error)
	// Ends returns the offsets that the next records of partitions will get. With an error,
	// the offsets of partitions whose leaders did not answer are −1.
	Ends(ctx context.Context, topic string, partitions []int) ([]int64, error)
	// Produce appends messages to one partition, as one batch. It returns the offset of the
	// first message once all in-sync replicas have the batch; the other messages follow
	// without a gap. After an error the batch may or may not have been written. ErrTooLarge
	// and ErrInvalidRecord: the topic's settings reject at least one message of the batch.
	Produce(ctx context.Context, topic string, partition int, messages []Message) (first int64, err error)
	// PartitionFor returns the partition that Kafka's Java producer would choose for the
	// key (murmur2). A nil key may go to any partition.
	PartitionFor(ctx context.Context, topic string, key []byte) (int, error)
	// Partitions returns the topic's partition count. It fails with ErrUnknownTopic if the
	// topic does not exist.
	Partitions(ctx context.Context, topic string) (int, error)
}

// Generation is one assignment of partitions to this member. It lasts until the group
// rebalances. The broker refuses commits of an older generation.
type Generation interface {
	// ID is the group's generation number.
	ID() int
	// Assigned returns this member's partitions of the consumed topic, ascending.
	Assigned() []int
	// Leads reports whether this member was the group leader that assigned the partitions,
	// and how many partitions the topic had then. Only the leader's rejoin makes the group
	// assign again: another member that rejoins an unchanged group gets the same
	// generation.
	Leads() (topicPartitions int, leads bool)
	// Ended is closed when the group starts to rebalance, or cannot be reached. The member
	// keeps its partitions, and may commit, until it releases the generation or the
	// rebalance timeout is over.
	Ended() <-chan struct{}
	// Committed returns the group's positions of all partitions of the consumed topic,
	// assigned or not. A partition without a commit is absent.
	Committed(ctx context.Context) (map[int]Position, error)
	// Commit stores positions: either all of them or none count as stored. It also shows
	// the group that this member is alive. ErrNotOwner: this generation is over.
	// ErrCommitRefused: the broker rejected the positions and will not store them. After
	// any other error they may still be stored, as long as the generation lasts.
	Commit(ctx context.Context, positions map[int]Position) error
	// Release gives the generation back, after all its work has ended. A second call does
	// nothing.
	Release()
}

// Position is what a group has committed for a partition.
type Position struct {
	// Offset is the low-water mark: every record below it is answered.
	Offset int64
	// Metadata is the text stored with the commit, see CommitMetadata.
	Metadata string
}

// Page is the result of one fetch.
type Page struct {
	// Records are in ascending order of their offsets. Their memory is not shared.
	Records []Record
	// Next is the offset to fetch next. It skips records that were aborted or compacted
	// away.
	Next int64
	// End is the offset up to which the partition can be read (its last stable offset), as
	// of this fetch.
	End int64
	// Throttled is how long a quota made the broker delay this client. The Client has
	// waited that long, or waits before its next request.
	Throttled time.Duration
}

// Header is a record header. It is an alias, so that headers of other packages with the
// same shape need no copy.
type Header = struct {
	Key   string
	Value []byte
}

// Record is a record as stored in the log.
type Record struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time
	// Key and Value are nil where the record has none.
	Key, Value []byte
	Headers    []Header
	// LeftOut is set if the record is too large to be read with others. Key, Value and
	// Headers are nil then.
	LeftOut *LeftOut
}

// LeftOut describes records whose contents were not read.
type LeftOut struct {
	// Size is the unpacked size of the record in bytes. For several records it is the
	// stored size of their batch.
	Size int64
	// Last is the offset of the last record left out; the first one is the Record itself.
	// The two are the same unless a whole batch cannot be unpacked.
	Last int64
	// Why says, for a person, what is too large.
	Why string
}

// HasTime reports whether t is a real record time. Kafka writes −1 for "none", and no
// record is older than Kafka.
func HasTime(t time.Time) bool { return t.Year() >= 2000 }

// size is about what the record's contents take in memory, in bytes.
func (r *Record) size() int {
	size := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		size += len(h.Key) + len(h.Value) + HeaderBytes
	}
	return size
}

// Message is a record to be written.
type Message struct {
	Topic      string
	Key, Value []byte
	Headers    []Header
}

// Errors of a Client that the consumer handles. Every other error is temporary: it is
// logged once, and the operation is retried.
var (
	// ErrNotOwner: the broker no longer accepts this member in this generation.
	ErrNotOwner = errors.New("this generation of the group is over")
	// ErrCommitRefused: the broker rejected the positions of a commit and will not store them.
	ErrCommitRefused = errors.New("refused")
	// ErrOffsetOutOfRange: the partition does not hold the requested offset.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrUnknownTopic: the topic or the partition does not exist.
	ErrUnknownTopic = errors.New("unknown topic or partition")
	// ErrTooLarge: the message exceeds the topic's limit.
	ErrTooLarge = errors.New("larger than the topic allows: raise its max.message.bytes")
	// ErrInvalidRecord: the topic's settings reject the record, for example one without a
	// key.
	ErrInvalidRecord = errors.New("rejected by the topic: cleanup.policy=compact requires a key")
)
