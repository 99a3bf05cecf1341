package kafkalog

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
)

// silent is a broker that accepts connections and never answers.
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
			if err := set(&boundConn{Conn: inner, heard: true}, given); err != nil {
				t.Fatal(err)
			}
		}
		if got := inner.deadlines[0]; !got.Equal(hour) {
			t.Errorf("%s: an hour became %v", name, got)
		}
		if got := time.Until(inner.deadlines[len(inner.deadlines)-1]); got > silenceTimeout || got < silenceTimeout-time.Second {
			t.Errorf("%s: no deadline became %v from now, want %v", name, got, silenceTimeout)
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
	case <-time.After(soonTimeout):
		t.Fatal("no connection to the broker")
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
		t.Error("a closed Client dials")
	}
}

// kafka-go tries the list in random order: with four such ports beside a broker it could try
// these ten times in a row.
func TestAPortOfAnotherServiceIsSkippedForAWhile(t *testing.T) {
	addr, accepted := silent(t)
	go func() {
		for conn := range accepted {
			_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n")
		}
	}()
	l, err := New(Config{Brokers: []string{addr, "127.0.0.1:1"}, GroupID: "g", Topic: consumed})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.dialMember(soon(t), "tcp", addr); err == nil {
		t.Fatal("it is taken for a broker")
	}
	if _, err := l.dial(soon(t), "tcp", addr); err == nil || !strings.Contains(err.Error(), "is not a Kafka broker") {
		t.Errorf("dialled again at once: %v", err)
	}
}

// kafka-go takes the first four bytes of another server's greeting for a length of a
// gigabyte.
func TestAPortOfAnotherServiceIsNamedAndCostsNoMemory(t *testing.T) {
	for _, says := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "220 mail ESMTP\r\n", "-ERR unknown command\r\n"} {
		addr, accepted := silent(t)
		go func() {
			for conn := range accepted {
				_, _ = io.WriteString(conn, says)
				go func() { _, _ = io.Copy(io.Discard, conn); conn.Close() }()
			}
		}()
		l, err := New(Config{Brokers: []string{addr}, GroupID: "g", Topic: consumed})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, asked := l.Partitions(soon(t), consumed)
		_, joined := l.Join(soon(t))
		runtime.ReadMemStats(&after)
		for _, err := range []error{asked, joined} {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s is not a Kafka broker: its answer starts with %q", addr, says[:4])) {
				t.Errorf("%q: %v", says, err)
			}
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%q: %d bytes were allocated", says, used)
		}
		l.Close()
	}
}

func TestLengthsAreSeenHoweverTheyCome(t *testing.T) {
	answers := "\x00\x00\x00\x02ab" + "\x00\x00\x00\x00" + "\x00\x20\x00\x00"
	for size := 1; size <= len(answers); size++ {
		var g guard
		for b := []byte(answers); len(b) > 0; {
			n := min(size, len(b))
			if err := g.check(b[:n], "here"); err != nil {
				t.Fatalf("in parts of %d: %v", size, err)
			}
			b = b[n:]
		}
		if g.left != 0x200000 {
			t.Errorf("in parts of %d: %d bytes are due", size, g.left)
		}
	}
	var g guard
	if err := g.check([]byte("\x00\x00\x00\x00\x7f\xff\xff\xff"), "here"); err == nil {
		t.Error("two gigabytes are announced and believed")
	}
}
