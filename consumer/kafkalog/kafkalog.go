// Package kafkalog is consumer.Log on a real Kafka, by kafka-go: group
// membership, read-committed fetching, commits with metadata, producing, and
// what a start-up needs to ask about topics.
//
// It keeps no state of the consumer's: it retries nothing, tracks nothing and
// decides nothing. Of kafka-go it uses the group and the raw requests of the
// protocol; Reader, Writer and Conn are avoided, because they show aborted
// records, mistake empty values for absent ones, or resend what was written.
// Answers to fetches are read here (answer.go, batch.go, page.go, unpack.go):
// kafka-go unpacks a batch whole, however large that is.
//
// Only the wiring of the service (and tests) may import it; everything else
// knows consumer.Log alone.
package kafkalog

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"remux-retrier/consumer"
)

// unknownBroker is no broker's id.
const unknownBroker = -1

// requestTimeout bounds requests that a broker answers at once.
const requestTimeout = 5 * time.Second

// Config says which Kafka, and as whom.
type Config struct {
	// Brokers are host:port addresses to start from. Required.
	Brokers []string
	// GroupID is the consumer group. Required.
	GroupID string
	// ClientID is the name shown to the brokers. Defaults to none.
	ClientID string
	// Topic is consumed. Required.
	Topic string
	// Topics are all others that are fetched from, produced to or asked about:
	// only these and Topic are known to exist.
	Topics []string
	// SessionTimeout is how long the group waits for a sign of life before it
	// gives this member's partitions to others. Defaults to 10 s.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the group waits in a rebalance for a member
	// to release its generation; it must exceed the longest drain. Defaults to
	// 30 s.
	RebalanceTimeout time.Duration
	// TLS, where not nil, is asked for each connection, and the connection is
	// checked against the name of the broker it leads to. The configuration it
	// gives is the connection's own.
	TLS func() *tls.Config
	// SASL, where not nil, authenticates every connection.
	SASL sasl.Mechanism
	// Debugf receives what kafka-go says of the group's course, with the
	// semantics of fmt.Printf. Defaults to nowhere.
	Debugf func(format string, args ...any)
}

// Log is consumer.Log on a Kafka cluster.
//
// mu guards brokers, group, current and left. It is never held while waiting.
type Log struct {
	cfg       Config
	addr      net.Addr
	transport *kafka.Transport
	client    *kafka.Client
	dialer    *kafka.Dialer

	// closed ends with Close, and every connection with it.
	closed context.Context
	close  context.CancelFunc
	// member ends when this member has been removed from its group, and the group's
	// connections with it.
	member    context.Context
	endMember context.CancelFunc

	shared     atomic.Int64 // partitions, see watchedBalancer
	unanswered atomic.Int64 // commits, see watchedBalancer
	keyless    atomic.Uint64
	counts     sync.Map // topic → count, for PartitionFor

	correlation atomic.Int32 // of requests; they are numbered
	coordinator atomic.Int32 // the group's, or unknownBroker
	silent      silentBrokers

	large, unpacking limit // see answer.go and unpack.go
	kept             kept  // see resume.go

	mu      sync.Mutex
	brokers map[int32]*broker
	group   *kafka.ConsumerGroup
	current *generation
	left    chan struct{} // closed when the group knows; nil before Leave
}

var _ consumer.Log = (*Log)(nil)

// New checks the configuration. It does not touch the network: an unreachable
// broker shows in the first method called.
func New(cfg Config) (*Log, error) {
	switch {
	case len(cfg.Brokers) == 0:
		return nil, errors.New("kafkalog: no brokers")
	case cfg.GroupID == "":
		return nil, errors.New("kafkalog: no consumer group")
	case cfg.Topic == "":
		return nil, errors.New("kafkalog: no topic to consume")
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 10 * time.Second
	}
	if cfg.RebalanceTimeout == 0 {
		cfg.RebalanceTimeout = 30 * time.Second
	}
	if cfg.Debugf == nil {
		cfg.Debugf = func(string, ...any) {}
	}
	// The group asks the first of the list; not all instances are to ask the same.
	cfg.Brokers = slices.Clone(cfg.Brokers)
	rand.Shuffle(len(cfg.Brokers), func(i, j int) { //nolint:gosec // nobody gains by guessing it
		cfg.Brokers[i], cfg.Brokers[j] = cfg.Brokers[j], cfg.Brokers[i]
	})
	topics := append(slices.Clone(cfg.Topics), cfg.Topic)
	slices.Sort(topics)

	l := &Log{cfg: cfg, addr: kafka.TCP(cfg.Brokers...), brokers: map[int32]*broker{}}
	l.large, l.unpacking = make(limit, 1), make(limit, unpackAtOnce)
	l.shared.Store(notLeading)
	l.coordinator.Store(unknownBroker)
	l.closed, l.close = context.WithCancel(context.Background())
	l.member, l.endMember = context.WithCancel(l.closed)
	l.transport = &kafka.Transport{
		Dial: l.dial,
		// Also the time-out of the metadata request itself; the real interval
		// is random, one second on average.
		MetadataTTL:    2 * time.Second,
		MetadataTopics: slices.Compact(topics),
		ClientID:       cfg.ClientID,
		Context:        l.closed,
	}
	l.client = &kafka.Client{Addr: l.addr, Transport: l.transport, Timeout: requestTimeout}
	l.dialer = &kafka.Dialer{
		ClientID: cfg.ClientID,
		DialFunc: l.dialMember,
		Timeout:  requestTimeout,
	}
	return l, nil
}

// Close ends every connection and all that still runs on one. Call Leave first:
// a member that did not leave is missed only after its session has timed out.
func (l *Log) Close() {
	l.close()
	l.transport.CloseIdleConnections()
	l.mu.Lock()
	group, current := l.group, l.current
	l.mu.Unlock()
	if current != nil {
		current.Release()
	}
	if group != nil {
		_ = group.Close() // always nil; waits for the group's goroutines
	}
}

// Requests is how many of the requests were sent that are sent here and not by
// kafka-go: fetches, writes, lookups and those to the group's coordinator.
func (l *Log) Requests() int { return int(l.correlation.Load()) }

// roundTrip sends one request to the broker that kafka-go finds responsible.
func (l *Log) roundTrip(ctx context.Context, timeout time.Duration, req kafka.Request) (kafka.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return l.transport.RoundTrip(ctx, l.addr, req)
}
