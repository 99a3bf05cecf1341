package receive

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/admin"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

// Config is what the Server needs. All fields but TLS, Roots and Agent are required.
type Config struct {
	// Addr is the listen address, host:port; port 0 takes a free one.
	Addr string
	// TLS returns the certificate for each new connection; nil: plain HTTP.
	TLS func() tls.Certificate
	// Topics are the URNs of the SMN topics whose messages are accepted.
	Topics []string
	// Hosts are the hosts from which certificates are fetched and at which subscriptions
	// are confirmed, in lower case: names or addresses, with a port or for all ports;
	// *.example.com for all names below a domain.
	Hosts []string
	// Roots are the authorities that may sign those hosts' certificates. Nil: the
	// system's.
	Roots func() *x509.CertPool
	// MaxAge is how old a message may be.
	MaxAge time.Duration
	// Topic is the failed topic, in Kafka.
	Kafka Kafka
	Topic string
	// Stop is how long Run waits at its end for messages under way.
	Stop time.Duration
	// Agent is the User-Agent of requests to Hosts.
	Agent  string
	Clock  clock.Clock
	Meters *Meters
	Log    logrus.FieldLogger
}

// Server accepts SMN's messages. Its Run must be called, or its Close.
type Server struct {
	cfg      Config
	meters   *Meters
	tally    *notice.Tally
	bodies   bodies
	handling chan struct{}
	verifier *verifier
	outside  outside
	topic    *topic
	conns    admin.Connections
	listener net.Listener
	http     *http.Server
}

// New opens the listener, so that an address that cannot be used is an error at start.
// Run serves it.
func New(c Config) (*Server, error) {
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("RECEIVE_ADDR %q cannot be listened on: %w: choose a free address", c.Addr, err)
	}
	if c.TLS != nil {
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"http/1.1"}, // one message at a time per connection
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { pair := c.TLS(); return &pair, nil },
		})
	}
	s := &Server{
		cfg: c, meters: c.Meters, tally: notice.NewTally(c.Clock, c.Log), handling: make(chan struct{}, maxHandled),
		outside: outside{roots: c.Roots, agent: c.Agent}, topic: newTopic(c.Kafka, c.Topic, c.Clock, c.Log), listener: listener,
	}
	s.verifier = &verifier{
		topics: c.Topics, hosts: c.Hosts, maxAge: c.MaxAge, wall: c.Clock.Wall,
		certificates: &certificates{fetch: s.outside.certificate, clock: c.Clock, known: map[string]*known{}},
	}
	c.Meters.Watch(s.Ready)
	s.http = &http.Server{
		Handler:        s,
		ReadTimeout:    answerWithin, // after that there is no time left to publish
		WriteTimeout:   10 * time.Second,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: 16 << 10,
		ConnState:      s.conns.Changed,
		ErrorLog:       log.New(complaints{s}, "", 0),
	}
	return s, nil
}

// Addr returns the listen address, with the actual port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Checks returns the checks of readiness.
func (s *Server) Checks() []admin.Check {
	return []admin.Check{{Name: "brokers", Func: s.topic.reachable}, {Name: "publishing", Func: s.topic.writable}}
}

// Ready reports whether messages can be published.
func (s *Server) Ready() bool {
	for _, check := range s.Checks() {
		if ok, _ := check.Func(); !ok {
			return false
		}
	}
	return true
}

// Run serves until ctx ends. It then accepts no more messages, lets those under way end
// and returns nil. It calls beat each time it looks at Kafka. If serving fails before ctx
// ends, it returns an error.
func (s *Server) Run(ctx context.Context, beat func()) error {
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	var background clock.Group
	background.Go(s.cfg.Clock, func() { s.topic.watch(watching, beat) })
	background.Go(s.cfg.Clock, func() { s.tally.Run(watching) })
	defer background.Wait(s.cfg.Clock)
	defer unwatch()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Stop)
		defer cancel()
		if s.http.Shutdown(grace) != nil {
			_ = s.http.Close() // SMN sends a message again if its connection is closed
		}
		err = <-served
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", s.Addr(), err)
	}
	return nil
}

// Close closes the listener of a server whose Run is not called.
func (s *Server) Close() error { return s.listener.Close() }

// complaints logs the errors of net/http itself, such as failed TLS handshakes, once a
// minute: anybody can cause any number.
type complaints struct{ s *Server }

func (c complaints) Write(p []byte) (int, error) {
	if c.s.tally.First("Go's HTTP server") {
		c.s.cfg.Log.Warn("HTTP server: " + string(bytes.TrimSpace(p)))
	}
	return len(p), nil
}
