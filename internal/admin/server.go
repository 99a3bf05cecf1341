// Package admin serves a platform's requests about the service over HTTP: /healthz (is a
// restart needed?), /readyz (can it work?) and /metrics. Every other path goes to
// Config.Page, the operator's page; without one, as in remux-retrier receive, it is 404.
//
// It is read-only, holds no secret and decides nothing: loops that must keep running report
// their progress to Loops, and each Check tests one condition. Only internal/app starts the
// Server. Any package with a loop or a check may import it.
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

// stopGrace is the time for answers in progress when the server stops. They take
// microseconds; anything slower is a client that does not read.
const stopGrace = 500 * time.Millisecond

// Config configures a Server. Addr, Loops, Metrics and Log are required.
type Config struct {
	Addr     string // host:port to listen on; port 0 chooses a free one
	Instance string // this instance's name, shown by /readyz
	Loops    *Loops
	Checks   []Check // of /readyz; without any it is always ready
	// Notes are actions for an operator although the instance is ready, one sentence each.
	// May be nil.
	Notes func() []string
	// AllowedHosts are further names, in lower case, that a request's Host may have:
	// *.example.com for all names below a domain, * for any.
	AllowedHosts []string
	// PathPrefix is a path that requests may have before their own, without a slash at its
	// end: a proxy serves the page there. Empty: none.
	PathPrefix string
	// Metrics answers /metrics.
	Metrics http.Handler
	// Page serves every other path. The contexts of its requests end when the server stops,
	// so that its streams end within stopGrace. May be nil.
	Page http.Handler
	Log  logrus.FieldLogger
}

// Server serves on one address. Run or Close must be called.
type Server struct {
	config   Config
	listener net.Listener
	hosts    hosts
	throttle throttle
	conns    Connections
	http     *http.Server
	stopping context.CancelFunc // ends the requests' contexts
}

// New opens the listener, so that an unusable address is an error at the start. Requests
// are queued until Run serves them.
func New(c Config) (*Server, error) {
	if c.Addr == "" || c.Loops == nil || c.Metrics == nil || c.Log == nil { // "" would listen on all addresses
		return nil, errors.New("admin: Config needs Addr, Loops, Metrics and Log")
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

// Addr is the address of the listener, with its actual port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run serves until ctx ends, then lets answers in progress finish and returns nil. It
// returns an error if serving fails before that.
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

// Close closes the listener of a server that will not Run.
func (s *Server) Close() error {
	s.stopping()
	return s.listener.Close()
}

// logWriter writes net/http's own messages, including recovered panics, to the service's
// log.
type logWriter struct{ log logrus.FieldLogger }

func (w logWriter) Write(p []byte) (int, error) {
	w.log.Warn(string(bytes.TrimSpace(p)))
	return len(p), nil
}
