package kafkalog

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

const (
	// dialTimeout bounds one TCP connect, and one TLS handshake, so that the next broker of the list
	// is tried before kafka-go gives up on them all.
	dialTimeout = 3 * time.Second
	// silence is how long a peer may keep a connection waiting where kafka-go
	// sets no deadline, as it does not during SASL: a broker that accepts and
	// then says nothing would hold it for ever.
	silence = 8 * time.Second
)

// dial opens a connection that never waits without a deadline and that ends
// with the Log.
func (l *Log) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.closed.Err() != nil {
		return nil, net.ErrClosed
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	b := &boundConn{Conn: conn, stop: context.AfterFunc(l.closed, func() { conn.Close() })}
	if err := b.SetDeadline(time.Time{}); err != nil {
		b.Close()
		return nil, err
	}
	if l.cfg.TLS == nil {
		return b, nil
	}
	return l.secure(ctx, b, address)
}

// secure begins TLS here rather than in kafka-go, which would keep the
// configuration of the first connection for all.
func (l *Log) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	config := l.cfg.TLS()
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = address
		}
		config.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secured, nil
}

// boundConn is a connection on which "no deadline" means "silence from now".
type boundConn struct {
	net.Conn
	stop func() bool
}

func (c *boundConn) SetDeadline(t time.Time) error      { return c.Conn.SetDeadline(bound(t)) }
func (c *boundConn) SetReadDeadline(t time.Time) error  { return c.Conn.SetReadDeadline(bound(t)) }
func (c *boundConn) SetWriteDeadline(t time.Time) error { return c.Conn.SetWriteDeadline(bound(t)) }

func (c *boundConn) Close() error {
	c.stop()
	return c.Conn.Close()
}

func bound(t time.Time) time.Time {
	if t.IsZero() {
		return time.Now().Add(silence)
	}
	return t
}
