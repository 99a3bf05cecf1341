package kafkalog

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
)

const (
	// dialTimeout bounds one TCP connect, and one TLS handshake, so that the next broker of
	// the list is tried before kafka-go gives up.
	dialTimeout = 3 * time.Second
	// silenceTimeout is how long a connection may wait for its peer where kafka-go sets no
	// deadline, as during SASL: a broker that accepts a connection and never answers would
	// block it for ever.
	silenceTimeout = 8 * time.Second
	// firstByteTimeout is how long a peer may take for its first byte. A slower one, or one
	// that is not a Kafka broker, is skipped for skipFor if there are others: kafka-go treats
	// every broker that accepts a connection as working.
	firstByteTimeout = 3 * time.Second
	skipFor          = 5 * time.Second
)

// dial opens a connection that always has a deadline and ends with the Client.
func (l *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return l.dialUntil(ctx, l.closed, network, address)
}

// dialUntil is dial for a connection that ends with until, at the latest.
func (l *Client) dialUntil(ctx, until context.Context, network, address string) (net.Conn, error) {
	if until.Err() != nil {
		return nil, net.ErrClosed
	}
	if why := l.skipped.why(address, l.cfg.Brokers); why != nil {
		return nil, why
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	b := &boundConn{Conn: conn, address: address, began: time.Now(), frames: l.cfg.TLS == nil}
	b.stop = context.AfterFunc(until, func() { conn.Close() })
	if len(l.cfg.Brokers) > 1 {
		b.skipped = &l.skipped
	}
	if err := b.SetDeadline(time.Time{}); err != nil {
		b.Close()
		return nil, err
	}
	var ready net.Conn = b
	if l.cfg.TLS != nil {
		if ready, err = l.secure(ctx, b, address); err != nil {
			return nil, err
		}
	}
	if l.cfg.SASL == nil {
		return ready, nil
	}
	return l.logIn(ctx, ready)
}

// secure starts TLS here and not in kafka-go, which would keep the configuration of the
// first connection.
func (l *Client) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	config := l.cfg.TLS()
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		config.ServerName = host
	}
	secured := tls.Client(conn, config)
	err := secured.SetDeadline(time.Now().Add(dialTimeout))
	if err == nil {
		err = secured.HandshakeContext(ctx)
	}
	if err == nil {
		err = secured.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// dialMember is dial for the group, whose first request may have to wait for long. So the
// broker must answer another request first.
func (l *Client) dialMember(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dialUntil(ctx, l.member, network, address)
	if err != nil || l.cfg.TLS != nil || l.cfg.SASL != nil { // these start with an exchange of their own
		return conn, err
	}
	if _, err := protocol.NewConn(conn, l.cfg.ClientID).RoundTrip(new(apiversions.Request)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// skippedBrokers are those that recently accepted a connection and then sent nothing, or
// something that is not Kafka's protocol. kafka-go tries the list in random order: without
// this it could be a long time before it meets a working broker.
type skippedBrokers struct {
	mu    sync.Mutex
	known map[string]skipped
}

// skipped is why a broker is skipped, and until when.
type skipped struct {
	why   error
	until time.Time
}

// why returns why a broker is skipped; nil: it is not, or the whole list would be.
func (s *skippedBrokers) why(address string, list []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	works := func(a string) bool { return !now.Before(s.known[a].until) }
	if works(address) || !slices.Contains(list, address) || !slices.ContainsFunc(list, works) {
		return nil
	}
	return s.known[address].why
}

func (s *skippedBrokers) add(address string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]skipped{}
	}
	s.known[address] = skipped{why, time.Now().Add(skipFor)}
}

// silentError is the error of a broker that accepts connections and never answers.
type silentError struct {
	address string
	cause   error
}

func (e *silentError) Error() string {
	return "broker " + e.address + " accepts connections and does not answer"
}

func (e *silentError) Unwrap() error { return e.cause }
func (e *silentError) Timeout() bool { return true }

// boundConn is a connection on which "no deadline" means silenceTimeout from now, and on
// which only Kafka's framing is accepted. One goroutine at a time reads.
type boundConn struct {
	net.Conn
	stop    func() bool
	address string
	began   time.Time
	skipped *skippedBrokers // nil: there is no other broker
	frames  bool            // Kafka's frames are visible, see guard
	guard   guard
	bad     error // the peer does not speak Kafka

	mu    sync.Mutex
	heard bool
	asked time.Time // the read deadline that was set
}

func (c *boundConn) Read(b []byte) (int, error) {
	if c.bad != nil {
		return 0, c.bad // kafka-go reads on to the end of the supposed answer
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	first := !c.heard
	c.heard = c.heard || n > 0
	asked := c.asked
	c.mu.Unlock()
	if n == 0 {
		if first && errors.Is(err, os.ErrDeadlineExceeded) {
			err = &silentError{address: c.address, cause: err}
		}
		return n, err
	}
	if first {
		_ = c.Conn.SetReadDeadline(asked)
	}
	if c.frames {
		if c.bad = c.guard.check(b[:n], c.address); c.bad != nil {
			if c.skipped != nil && !c.guard.later { // its first answer was not Kafka's
				c.skipped.add(c.address, c.bad)
			}
			return 0, c.bad
		}
	}
	return n, err
}

func (c *boundConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *boundConn) SetReadDeadline(t time.Time) error {
	t = bound(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = t
	if first := c.began.Add(firstByteTimeout); !c.heard && first.Before(t) {
		t = first
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *boundConn) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(bound(t)) }

func (c *boundConn) Close() error {
	c.stop()
	c.mu.Lock()
	silent := !c.heard && time.Since(c.began) >= firstByteTimeout
	c.mu.Unlock()
	if silent && c.skipped != nil {
		c.skipped.add(c.address, &silentError{address: c.address})
	}
	return c.Conn.Close()
}

func bound(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(silenceTimeout)
	}
	return t
}
