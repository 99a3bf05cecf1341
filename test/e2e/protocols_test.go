//go:build kafka

package e2e

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"remux-retrier/internal/testkafka"
)

// relay forwards connections to an address that can be changed. If it is "", it
// accepts them and never answers. It ends with the test.
type relay struct {
	addr     string
	to       atomic.Value // string
	accepted atomic.Int64

	mu   sync.Mutex
	open map[net.Conn]bool
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &relay{addr: l.Addr().String(), open: map[net.Conn]bool{}}
	r.to.Store(to)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.accepted.Add(1)
			go r.serve(in)
		}
	}()
	return r
}

func (r *relay) serve(in net.Conn) {
	r.mu.Lock()
	r.open[in] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.open, in)
		r.mu.Unlock()
		in.Close()
	}()
	to := r.to.Load().(string)
	if to == "" {
		_, _ = io.Copy(io.Discard, in) // until the client closes it
		return
	}
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		_, _ = io.Copy(out, in)
		out.Close()
	}()
	_, _ = io.Copy(in, out)
}

// cut ends the connections that are open, and returns how many there were.
func (r *relay) cut() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for conn := range r.open {
		conn.Close()
	}
	return len(r.open)
}

// noFlood checks for some seconds how often an address that rejects all is tried.
func (r *relay) noFlood(t *testing.T) {
	t.Helper()
	const watched = 8 * time.Second
	before := r.accepted.Load()
	time.Sleep(watched) // time in which it could connect too often
	if n := r.accepted.Load() - before; n == 0 || n > 4*int64(watched/time.Second) {
		t.Errorf("%d connections in %v", n, watched)
	}
}

// Each is logged in one clear line within seconds, and retried at a bounded rate.
// It ends when the brokers' side is repaired.
func TestAWrongWayToTheBrokersIsSaidOnceAndMendsItself(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{Secured: true}, options{partitions: 1})
	tls := []string{"KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", c.Certificates.CA}
	plain := []string{"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD", testkafka.Password}
	const silent = ""
	for name, way := range map[string]struct {
		wrong, right string // listeners
		env          []string
		says         string
	}{
		"an expired certificate":            {testkafka.ExpiredTLS, testkafka.TLS, tls, "the broker's certificate is not valid: check its dates"},
		"a certificate for another name":    {testkafka.ElsewhereTLS, testkafka.TLS, tls, "the broker's certificate is for another name"},
		"a client certificate is wanted":    {testkafka.MutualTLS, testkafka.TLS, tls, "check KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE"},
		"plaintext to TLS":                  {testkafka.TLS, testkafka.Plaintext, nil, "TLS is off here (KAFKA_TLS_ENABLED)"},
		"TLS to plaintext":                  {testkafka.Plaintext, testkafka.TLS, tls, "TLS is on here (KAFKA_TLS_ENABLED)"},
		"no login where one is wanted":      {testkafka.SASLPlaintext, testkafka.Plaintext, nil, "SASL is off (KAFKA_SASL_MECHANISM)"},
		"a login where there is none":       {testkafka.Plaintext, testkafka.SASLPlaintext, plain, "does not accept SASL"},
		"a port that never answers":         {silent, testkafka.Plaintext, nil, "does not answer"},
		"a port that never answers to TLS":  {silent, testkafka.TLS, tls, "does not answer"},
		"a port that never answers to SASL": {silent, testkafka.SASLPlaintext, plain, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := func(listener string) string {
				if listener == silent {
					return ""
				}
				return c.AddrsOf(listener)[0]
			}
			between := newRelay(t, at(way.wrong))
			r := newRig(t, o)
			r.load("task", 20)
			s := r.start(append([]string{"KAFKA_BROKERS", between.addr}, way.env...)...)
			s.waitFor(12*time.Second, "to log what is wrong", func() (bool, string) {
				return strings.Contains(s.out.String(), way.says), s.out.String()
			})
			if status, body := s.get("/readyz"); status != 503 || !strings.Contains(body, way.says) {
				t.Errorf("/readyz: %d %s", status, body)
			}
			between.noFlood(t)
			if n := strings.Count(s.out.String(), ": look up topic "); n != 1 {
				t.Errorf("it is logged in %d lines, want one:\n%s", n, s.out)
			}
			between.to.Store(at(way.right))
			s.ready()
			r.finishWithoutRepeats(30 * time.Second)
		})
	}
}
