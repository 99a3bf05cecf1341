package kafkalog

import (
	"net"
	"testing"
	"time"
)

// silent is a broker that accepts and then says nothing.
func silent(t *testing.T) (addr string, accepted <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan net.Conn, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(conns)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for c := range conns {
			c.Close()
		}
	})
	return l.Addr().String(), conns
}

// noted is a connection that notes the deadlines it is given.
type noted struct {
	net.Conn
	deadlines []time.Time
}

func (c *noted) SetDeadline(t time.Time) error      { c.deadlines = append(c.deadlines, t); return nil }
func (c *noted) SetReadDeadline(t time.Time) error  { return c.SetDeadline(t) }
func (c *noted) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }

func TestNoDeadlineMeansADeadline(t *testing.T) {
	hour := time.Now().Add(time.Hour)
	for name, set := range map[string]func(net.Conn, time.Time) error{
		"SetDeadline": net.Conn.SetDeadline, "SetReadDeadline": net.Conn.SetReadDeadline, "SetWriteDeadline": net.Conn.SetWriteDeadline,
	} {
		inner := &noted{}
		for _, given := range []time.Time{hour, {}} {
			if err := set(&boundConn{Conn: inner}, given); err != nil {
				t.Fatal(err)
			}
		}
		if got := inner.deadlines[0]; !got.Equal(hour) {
			t.Errorf("%s: an hour became %v", name, got)
		}
		if got := time.Until(inner.deadlines[1]); got > silence || got < silence-time.Second {
			t.Errorf("%s: no deadline became %v from now, want %v", name, got, silence)
		}
	}
}

func TestCloseEndsWhatWaitsForASilentBroker(t *testing.T) {
	addr, accepted := silent(t)
	l, err := New(Config{Brokers: []string{addr}, GroupID: "g", Topic: consumed})
	if err != nil {
		t.Fatal(err)
	}
	joined := make(chan error, 1)
	go func() { _, err := l.Join(t.Context()); joined <- err }()
	select {
	case c := <-accepted:
		defer c.Close()
	case <-time.After(patience):
		t.Fatal("nobody called")
	}
	start := time.Now()
	l.Close()
	if err := <-joined; err == nil {
		t.Error("joined")
	}
	if took := time.Since(start); took > requestTimeout/2 {
		t.Errorf("Close took %v", took)
	}
	if _, err := l.dial(soon(t), "tcp", addr); err == nil {
		t.Error("a closed Log dials")
	}
}
