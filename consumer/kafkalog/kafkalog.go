// Package kafkalog implements consumer.Client on a real Kafka with kafka-go: group
// membership, read-committed fetching, commits with metadata, producing, and the requests
// about topics that a start needs.
//
// It keeps none of the consumer's state: it tracks nothing and decides nothing. It repeats a
// request only where one cannot tell (produce.go, write; describe.go, untilCoordinated).
// From kafka-go it uses the group and the raw protocol requests. Reader, Writer and Conn are
// avoided: they return aborted records, confuse empty and absent values, or resend messages.
// Fetch responses are read here (answer.go, batch.go, page.go, unpack.go), because kafka-go
// unpacks a whole batch at once, however large.
//
//	kafkalog.go                  the Client and its Config
//	dial.go, session.go          connections: TLS, deadlines, logins
//	guard.go, frames.go          what passes through a connection
//	connpool.go, broker.go, call.go
//	                             requests that do not go through kafka-go's pool
//	group.go, members.go, owners.go
//	                             group membership, and the other members
//	commit.go                    committed positions
//	fetch.go, poller.go, parts.go
//	                             fetches, several partitions in one request
//	answer.go, batch.go, page.go, unpack.go, resume.go, snappy.go
//	                             reads fetch responses
//	produce.go                   writes
//	offsets.go, span.go          offsets by time
//	admin.go, settings.go, describe.go
//	                             topics, their settings, the group's state, permissions
//	errors.go, unreachable.go    what errors mean
//
// Only internal/app, internal/check, internal/command, tests and test/bench may import it.
// Other packages know it as consumer.Client, or by a small interface of their own.
package kafkalog

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
)

// unknownBroker is not a valid broker id.
const unknownBroker = -1

// requestTimeout bounds requests that a broker answers at once.
const requestTimeout = 5 * time.Second

// Config describes the cluster and the group membership.
type Config struct {
	// Brokers are host:port addresses to start from. Required.
	Brokers []string
	// GroupID is the consumer group. Required.
	GroupID string
	// ClientID is the name shown to the brokers. Defaults to none.
	ClientID string
	// Topic is consumed. Required.
	Topic string
	// Topics are all other topics that are fetched, produced to or described. A topic that
	// is not listed here counts as missing.
	Topics []string
	// SessionTimeout is how long the group waits for a heartbeat before it gives this
	// member's partitions to others (session.timeout.ms). Defaults to 10 s.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long a rebalance waits for a member to release its
	// generation (rebalance.timeout.ms). It must exceed the longest drain. Defaults to 30 s.
	RebalanceTimeout time.Duration
	// TLS, if not nil, returns the configuration of each new connection, which owns it. The
	// broker's certificate is checked against the name of the broker it connects to.
	TLS func() *tls.Config
	// SASL, if not nil, authenticates every connection.
	SASL sasl.Mechanism
	// Debugf receives kafka-go's messages about the group, with the semantics of
	// fmt.Printf. Defaults to discarding them.
	Debugf func(format string, args ...any)
}

// Client is a consumer.Client on a Kafka cluster.
type Client struct {
	cfg       Config
	addr      net.Addr
	transport *kafka.Transport
	client    *kafka.Client

	// closed ends with Close, and with it every connection.
	closed context.Context
	close  context.CancelFunc

	membership
	unpacker
	brokers     brokerSet
	fetching    clock.Group // requests of the pollers
	skipped     skippedBrokers
	counts      byTopic[count] // for PartitionFor
	leaders     byTopic[leaders]
	fetchFailed atomic.Int64  // when a Fetch call failed last, in Unix milliseconds; 0: never
	keyless     atomic.Uint64 // messages without a key
	correlation atomic.Int32  // number of the last request
}

var _ consumer.Client = (*Client)(nil)

// New checks the configuration. It does not use the network: an unreachable broker shows in
// the first method called.
func New(cfg Config) (*Client, error) {
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
	// The group connects to the first broker of the list; instances should not all use the
	// same one.
	cfg.Brokers = slices.Clone(cfg.Brokers)
	rand.Shuffle(len(cfg.Brokers), func(i, j int) { //nolint:gosec // an attacker gains nothing by predicting it
		cfg.Brokers[i], cfg.Brokers[j] = cfg.Brokers[j], cfg.Brokers[i]
	})
	topics := append(slices.Clone(cfg.Topics), cfg.Topic)
	slices.Sort(topics)

	l := &Client{cfg: cfg, addr: kafka.TCP(cfg.Brokers...), unpacker: newUnpacker()}
	l.leading.Store(notLeading)
	l.coordinator.Store(unknownBroker)
	l.closed, l.close = context.WithCancel(context.Background())
	l.member, l.endMember = context.WithCancel(l.closed)
	l.transport = &kafka.Transport{
		Dial: l.dial,
		// Also the timeout of the metadata request itself. The actual interval is random,
		// one second on average.
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

// Close ends every connection and everything that still runs on one, and waits for running
// fetches. Call Leave first: the group notices a member that did not leave only after its
// session timeout.
func (l *Client) Close() {
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
	l.fetching.Wait(clock.System)
}

// Requests returns how many requests this package has sent itself: fetches, writes, lookups
// of offsets, commits, lists of groups, and those of SASL logins. What kafka-go sends,
// including metadata and heartbeats, does not count.
func (l *Client) Requests() int { return int(l.correlation.Load()) }

// roundTrip sends one request to the broker that kafka-go selects for it.
func (l *Client) roundTrip(ctx context.Context, timeout time.Duration, req kafka.Request) (kafka.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return l.transport.RoundTrip(ctx, l.addr, req)
}
