package mpcsim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a Simulator that listens on a port.
//
// mu guards the fields below it. It is not held while a listener stops.
type Server struct {
	*Simulator
	address string
	tls     *tls.Config
	pem     []byte

	mu       sync.Mutex
	listener *listener // nil while connections are refused, and after Close
	closed   bool
}

// listener serves the port from Start or Reopen to Refuse or Close. serving counts
// the accepting goroutine and the requests. Under mu, none is added after stopping is
// set.
type listener struct {
	http    *http.Server
	serving sync.WaitGroup

	mu       sync.Mutex
	stopping bool
}

// Start listens on cfg.Address and serves until Close.
func Start(cfg Config) (*Server, error) {
	simulator, err := New(cfg)
	if err != nil {
		return nil, err
	}
	s := &Server{Simulator: simulator, address: simulator.cfg.Address}
	if cfg.TLS {
		if s.tls, s.pem, err = selfSigned(time.Now()); err != nil {
			return nil, fmt.Errorf("make the simulator's certificate: %w", err)
		}
	}
	if err := s.Reopen(); err != nil {
		return nil, err
	}
	return s, nil
}

// Addr returns the host:port that the server listens on.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// URL returns the base URL, for both MPC's and IAM's endpoint.
func (s *Server) URL() string {
	if s.tls != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// PEM returns the certificate to trust, nil without TLS.
func (s *Server) PEM() []byte { return s.pem }

// Roots returns a pool with that certificate, nil without TLS.
func (s *Server) Roots() *x509.CertPool {
	if s.pem == nil {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.pem)
	return roots
}

// Reopen listens on the same port again after Refuse. It fails after Close, or if
// another process uses the port meanwhile.
func (s *Server) Reopen() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("reopen the simulator: it is closed")
	}
	if s.listener != nil {
		return nil
	}
	socket, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen for the simulator: %w", err)
	}
	s.address = socket.Addr().String()
	s.listener = s.listen(socket)
	return nil
}

func (s *Server) listen(socket net.Listener) *listener {
	l := &listener{}
	l.http = &http.Server{
		Handler:           l.track(s.Simulator),
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig:         s.tls,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are intended
	}
	l.serving.Go(func() {
		// Serve returns only after Close or Shutdown, so its error is not interesting.
		if s.tls != nil {
			_ = l.http.ServeTLS(socket, "", "")
		} else {
			_ = l.http.Serve(socket)
		}
	})
	return l
}

// track counts running handlers, so that stop can wait for them: http.Server's Close
// does not.
func (l *listener) track(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		if l.stopping {
			l.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		l.serving.Add(1)
		l.mu.Unlock()
		defer l.serving.Done()
		next.ServeHTTP(w, r)
	})
}

// stop lets requests in flight end until ctx ends. Then it cuts every connection and
// waits for the goroutines.
func (l *listener) stop(ctx context.Context) {
	if ctx.Err() == nil {
		_ = l.http.Shutdown(ctx) // Close below cuts the others
	}
	l.mu.Lock()
	l.stopping = true
	l.mu.Unlock()
	_ = l.http.Close() // ends the requests' contexts, so hanging requests end too
	l.serving.Wait()
}

// Refuse closes the port and every connection. The kernel refuses new ones until
// Reopen. A client on a kept-alive connection may see EOF first, as after a crash.
func (s *Server) Refuse() { s.halt(endedContext(), false) }

// Close ends the server and its requests at once and waits for its goroutines.
func (s *Server) Close() { s.halt(endedContext(), true) }

// Shutdown is Close, but lets requests in flight end until ctx ends.
func (s *Server) Shutdown(ctx context.Context) { s.halt(ctx, true) }

func (s *Server) halt(ctx context.Context, forGood bool) {
	s.mu.Lock()
	l := s.listener
	s.listener = nil
	s.closed = s.closed || forGood
	s.mu.Unlock()
	if l != nil {
		l.stop(ctx)
	}
}

// endedContext returns a context that has already ended.
func endedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
