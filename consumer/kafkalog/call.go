package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
	"github.com/segmentio/kafka-go/protocol/produce"

	"remux-retrier/internal/clock"
)

// call is a request to one broker, named by its id. It takes three things into
// its own hands that kafka-go decides by the kind of a request:
//   - where it goes: kafka-go has one ListOffsets request made of each partition,
//     on a connection of its own;
//   - what a panic means: kafka-go reads answers in a goroutine of its own, where
//     a hostile one would end the process;
//   - what a throttled answer means (KIP-219): the broker reads nothing more from
//     this connection for that long, so nobody else may be given it.
type call struct {
	protocol.Message
	log     *Log
	broker  int32
	version int16

	sent   atomic.Bool        // it may have reached the broker
	answer protocol.Message   // with the throttle, set before early
	early  context.CancelFunc // hands over the answer while the connection is held
}

// muteMargin is how long before the end of a throttle its connection is given
// back, so that the next request of its kind finds it.
const muteMargin = 5 * time.Millisecond

// call sends a request to a broker. The throttle that the answer tells of is the
// caller's to wait out before it sends the like again. Where it fails, sent tells
// whether the broker may have got the request.
func (l *Log) call(ctx context.Context, broker int32, timeout time.Duration, req protocol.Message) (answer protocol.Message, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	early, hand := context.WithCancel(ctx)
	defer hand()
	c := &call{Message: req, log: l, broker: broker, early: hand}
	m, err := l.transport.RoundTrip(early, l.addr, c)
	if err != nil && ctx.Err() == nil && early.Err() != nil {
		return c.answer, true, nil
	}
	return m, c.sent.Load(), err
}

// Broker gives the address of the broker.
func (c *call) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if b, ok := cluster.Brokers[c.broker]; ok {
		return b, nil
	}
	return protocol.Broker{}, fmt.Errorf("broker %d has left the cluster", c.broker)
}

// Required takes the request to RawExchange, in the version that the broker speaks.
func (c *call) Required(versions map[protocol.ApiKey]int16) bool {
	c.version = versions[c.ApiKey()]
	return true
}

// RawExchange sends the request and reads its answer. The connection is closed
// where it fails.
func (c *call) RawExchange(rw io.ReadWriter) (answer protocol.Message, err error) {
	conn := &heardConn{Conn: rw.(*protocol.Conn)}
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("%w: %v", errUnreadable, p)
		}
	}()
	if p, ok := c.Message.(protocol.PreparedMessage); ok {
		p.Prepare(c.version)
	}
	c.sent.Store(true)
	answer, err = protocol.RoundTrip(conn, c.version, c.log.correlation.Add(1), c.log.cfg.ClientID, c.Message)
	switch {
	case err != nil && conn.ok:
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	case err != nil:
		return nil, err
	}
	if held := throttle(answer) - muteMargin; held > 0 {
		c.answer = answer
		c.early()
		_ = clock.System.Sleep(c.log.closed, held)
	}
	return answer, nil
}

// errUnreadable: the broker has answered, but not as Kafka does.
var errUnreadable = errors.New("the broker's answer cannot be read")

// heardConn tells whether a connection has worked so far: what fails on one that
// has is the reading of the answer.
type heardConn struct {
	*protocol.Conn
	ok bool
}

func (c *heardConn) note(err error) { c.ok = err == nil }

func (c *heardConn) Read(b []byte) (n int, err error) {
	n, err = c.Conn.Read(b)
	c.note(err)
	return n, err
}

func (c *heardConn) Write(b []byte) (n int, err error) {
	n, err = c.Conn.Write(b)
	if err != nil {
		c.ok = false
	}
	return n, err
}

func (c *heardConn) Peek(n int) (b []byte, err error) {
	b, err = c.Conn.Peek(n)
	c.note(err)
	return b, err
}

func (c *heardConn) Discard(n int) (discarded int, err error) {
	discarded, err = c.Conn.Discard(n)
	c.note(err)
	return discarded, err
}

// throttle is for how long the broker reads nothing more from the connection that
// an answer came on.
func throttle(answer protocol.Message) time.Duration {
	ms := int32(0)
	switch m := answer.(type) {
	case *fetch.Response:
		ms = m.ThrottleTimeMs
	case *produce.Response:
		ms = m.ThrottleTimeMs
	case *listoffsets.Response:
		ms = m.ThrottleTimeMs
	case *offsetcommit.Response:
		ms = m.ThrottleTimeMs
	}
	return time.Duration(max(0, ms)) * time.Millisecond
}
