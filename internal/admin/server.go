// Package admin serves what a platform asks the service about itself over HTTP:
// /healthz (is a restart needed?), /readyz (does it do its work?) and /metrics;
// what people ask, the operator's page answers beside them.
//
// It is read-only, holds no secret and decides nothing: who runs a loop reports
// to Loops, who knows a condition gives a Check. Only internal/app starts the
// Server; any package with a loop may be handed a Loop.
package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sirupsen/logrus"
)

// stopGrace is for answers under way when the server stops. They take
// microseconds; what takes longer is a client that does not read.
const stopGrace = 500 * time.Millisecond

// Config is what the Server needs; all fields but Notes, AllowedHosts, PathPrefix and Page are required.
type Config struct {
	Addr     string // host:port to listen on; port 0 takes a free one
	Instance string // this instance's name, shown by /readyz
	Loops    *Loops
	Checks   []Check
	// Notes are what an operator should know although the instance is ready,
	// one sentence each. May be nil.
	Notes func() []string
	// AllowedHosts are further names, in lower case, that a request's Host may have:
	// *.example.com for all below a domain, * for any.
	AllowedHosts []string
	// PathPrefix is a path that requests may have before their own, without a slash at
	// its end: a proxy shows the page there. Empty: none.
	PathPrefix string
	// Metrics answers /metrics.
	Metrics http.Handler
	// Page answers every other path. Its requests' contexts end when the server
	// stops: a stream of its must not outlast the grace. May be nil.
	Page http.Handler
	Log  logrus.FieldLogger
}

// Server answers on one address. Its Run must be called, or its Close.
type Server struct {
	config   Config
	listener net.Listener
	hosts    hosts
	throttle throttle
	conns    Connections
	http     *http.Server
	stopping context.CancelFunc // ends the requests' contexts
}

// New opens the listener, so that an address that cannot be had is an error at
// start and requests are queued from now on. Run answers them.
func New(c Config) (*Server, error) {
	if c.Loops == nil || c.Metrics == nil || c.Log == nil {
		return nil, errors.New("admin: Config needs Loops, Metrics and Log")
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("HTTP_ADDR %q cannot be listened on: %w: choose a free address, or an empty one for no HTTP", c.Addr, err)
	}
	serving, stopping := context.WithCancel(context.Background())
	s := &Server{config: c, listener: listener, hosts: ownHosts(c.Addr, listener.Addr(), c.AllowedHosts), stopping: stopping}
	s.http = &http.Server{
		BaseContext:       func(net.Listener) context.Context { return serving },
		Handler:           s,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ConnState:         s.conns.Changed,
		ErrorLog:          log.New(logWriter{c.Log}, "", 0),
	}
	return s, nil
}

// Addr is where the server listens, with the port it got.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run serves until ctx ends, then lets the answers under way finish and returns
// nil. It returns an error when serving fails before that.
func (s *Server) Run(ctx context.Context) error {
	defer s.stopping()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()

	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		s.stopping()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		if s.http.Shutdown(grace) != nil {
			_ = s.http.Close() // what is left belongs to clients that do not read
		}
		err = <-served
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP on %s: %w", s.Addr(), err)
	}
	return nil
}

// Close gives the address back, for a server that is not going to Run.
func (s *Server) Close() error {
	s.stopping()
	return s.listener.Close()
}

// logWriter hands net/http's own complaints, a recovered panic among them, to
// the service's log.
type logWriter struct{ log logrus.FieldLogger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Warn(string(bytes.TrimSpace(p)))
	return len(p), nil
}
