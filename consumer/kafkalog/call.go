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

// toBroker has kafka-go connect to the broker of an id, log in, and hand the
// connection to serve; it is closed where that fails. kafka-go takes it for a
// request of api, whose version it has negotiated.
type toBroker struct {
	api     protocol.Message
	broker  int32
	version map[protocol.ApiKey]int16
	serve   func(*protocol.Conn, map[protocol.ApiKey]int16) (protocol.Message, error)
}

func (t *toBroker) ApiKey() protocol.ApiKey { return t.api.ApiKey() }

func (t *toBroker) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	if b, ok := cluster.Brokers[t.broker]; ok {
		return b, nil
	}
	return protocol.Broker{}, fmt.Errorf("broker %d is not in the cluster", t.broker)
}

func (t *toBroker) Required(versions map[protocol.ApiKey]int16) bool {
	t.version = versions
	return true
}

func (t *toBroker) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	return t.serve(rw.(*protocol.Conn), t.version)
}

// call sends one request to a broker. Where it fails, sent tells whether the
// broker may have got it.
func (l *Log) call(ctx context.Context, broker int32, timeout time.Duration, req protocol.Message) (answer protocol.Message, sent bool, err error) {
	var reached atomic.Bool
	answer, err = l.roundTrip(ctx, timeout, &toBroker{api: req, broker: broker, serve: func(conn *protocol.Conn, versions map[protocol.ApiKey]int16) (protocol.Message, error) {
		reached.Store(true)
		return l.exchange(conn, versions, req)
	}})
	return answer, reached.Load(), err
}

// errUnreadable: the broker has answered, but not as Kafka does.
var errUnreadable = errors.New("the broker's answer cannot be read")

// exchange sends a request and reads its answer. kafka-go would do so where a
// panic ends the process.
func (l *Log) exchange(conn *protocol.Conn, versions map[protocol.ApiKey]int16, req protocol.Message) (answer protocol.Message, err error) {
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
	if f, ok := req.(*fetching); ok {
		answer, err = l.exchangeFetch(wire, version, f)
	} else {
		answer, err = protocol.RoundTrip(wire, version, l.correlation.Add(1), l.cfg.ClientID, req)
	}
	if err != nil && wire.read && wire.err == nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return answer, err
}

// wire tells whether a connection itself has failed: what fails otherwise is the
// reading of the answer.
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

// throttle is for how long the broker reads nothing more from the connection that
// an answer came on (KIP-219).
func throttle(answer protocol.Message) time.Duration {
	ms := int32(0)
	switch m := answer.(type) {
	case *fetched:
		ms = m.ThrottleTimeMs
	case *produce.Response:
		ms = m.ThrottleTimeMs
	case *listoffsets.Response:
		ms = m.ThrottleTimeMs
	}
	return time.Duration(max(0, ms)) * time.Millisecond
}
