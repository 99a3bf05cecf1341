package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// brokerRequest makes kafka-go connect to the broker with the given id, authenticate, and
// pass the connection to serve. If serve fails the connection is closed. kafka-go treats it
// as a request of type api and has negotiated its version.
type brokerRequest struct {
	api     protocol.Message
	broker  int32
	version map[protocol.ApiKey]int16
	serve   func(*protocol.Conn, map[protocol.ApiKey]int16) (protocol.Message, error)
}

func (t *brokerRequest) ApiKey() protocol.ApiKey { return t.api.ApiKey() }

func (t *brokerRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if b, ok := cluster.Brokers[t.broker]; ok {
		return b, nil
	}
	return protocol.Broker{}, fmt.Errorf("broker %d is not in the cluster", t.broker)
}

func (t *brokerRequest) Required(versions map[protocol.ApiKey]int16) bool {
	t.version = versions
	return true
}

func (t *brokerRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	return t.serve(rw.(*protocol.Conn), t.version)
}

// call sends one request to a broker. If it fails, sent reports whether the broker may have
// received it.
func (l *Client) call(ctx context.Context, broker int32, timeout time.Duration, req protocol.Message) (answer protocol.Message, sent bool, err error) {
	var reached atomic.Bool
	answer, err = l.roundTrip(ctx, timeout, &brokerRequest{api: req, broker: broker, serve: func(conn *protocol.Conn, versions map[protocol.ApiKey]int16) (protocol.Message, error) {
		reached.Store(true)
		return l.exchange(conn, versions, req)
	}})
	return answer, reached.Load(), err
}

// errUnreadable: the broker has answered, but not as Kafka does.
var errUnreadable = errors.New("the broker's answer cannot be read")

// exchange sends a request and reads its answer. A panic of kafka-go's decoder becomes an
// error: in kafka-go's own goroutine it would end the process.
func (l *Client) exchange(conn *protocol.Conn, versions map[protocol.ApiKey]int16, req protocol.Message) (answer protocol.Message, err error) {
	wire := &wire{Conn: conn}
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("%w: %v", errUnreadable, p)
		}
	}()
	version := versions[req.ApiKey()]
	if p, ok := req.(protocol.PreparedMessage); ok {
		p.Prepare(version)
	}
	if f, ok := req.(*fetchRequest); ok {
		answer, err = l.exchangeFetch(wire, version, f)
	} else {
		answer, err = protocol.RoundTrip(wire, version, l.correlation.Add(1), l.cfg.ClientID, req)
	}
	if err != nil && wire.read && wire.err == nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return answer, err
}

// wire notes whether the connection itself has failed. Any other failure comes from reading
// the answer.
type wire struct {
	*protocol.Conn
	read bool
	err  error
}

func (w *wire) note(err error) {
	if w.read = true; err != nil {
		w.err = err
	}
}

func (w *wire) Read(b []byte) (n int, err error) {
	n, err = w.Conn.Read(b)
	w.note(err)
	return n, err
}

func (w *wire) Peek(n int) (b []byte, err error) {
	b, err = w.Conn.Peek(n)
	w.note(err)
	return b, err
}

func (w *wire) Discard(n int) (discarded int, err error) {
	discarded, err = w.Conn.Discard(n)
	w.note(err)
	return discarded, err
}

// throttle returns how long the broker reads nothing more from the connection that an
// answer came on (KIP-219).
func throttle(answer protocol.Message) time.Duration {
	ms := int32(0)
	switch m := answer.(type) {
	case *fetchResponse:
		ms = m.ThrottleTimeMs
	case *produce.Response:
		ms = m.ThrottleTimeMs
	case *listoffsets.Response:
		ms = m.ThrottleTimeMs
	}
	return time.Duration(max(0, ms)) * time.Millisecond
}
