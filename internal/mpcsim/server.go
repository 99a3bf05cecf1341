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

// Server is a Simulator that listens.
//
// mu guards everything below it. Whoever stops a listener takes what it needs
// out under the lock and waits without it.
type Server struct {
	*Simulator
	address string
	tls     *tls.Config
	pem     []byte

	mu       sync.Mutex
	listener *listener // nil while connections are refused, and after Close
	closed   bool
}

// listener is one life of the server's port. serving counts the accepting
// goroutine and the requests; mu guards that none is added once it is waited for.
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

// Addr is the host:port the server listens on.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// URL is the base URL, for MPC's and IAM's endpoint alike.
func (s *Server) URL() string {
	if s.tls != nil {
		return "https://" + s.Addr()
	}
	return "http://" + s.Addr()
}

// PEM is the certificate to trust, nil without TLS.
func (s *Server) PEM() []byte { return s.pem }

// Roots is PEM as a pool, nil without TLS.
func (s *Server) Roots() *x509.CertPool {
	if s.pem == nil {
		return nil
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.pem)
	return roots
}

// Reopen listens on the same port again after Refuse. It fails when another
// process has taken the port meanwhile, or after Close.
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
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are what it is for
	}
	l.serving.Go(func() {
		// Serve ends by Close or Shutdown only: its error says nothing new.
		if s.tls != nil {
			_ = l.http.ServeTLS(socket, "", "")
		} else {
			_ = l.http.Serve(socket)
		}
	})
	return l
}

// track lets Close wait for the handlers, which http.Server's does not.
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

// stop gives requests in flight until ctx ends, then cuts every connection and
// waits for the goroutines.
func (l *listener) stop(ctx context.Context) {
	if ctx.Err() == nil {
		_ = l.http.Shutdown(ctx) // what is left is cut below
	}
	l.mu.Lock()
	l.stopping = true
	l.mu.Unlock()
	_ = l.http.Close() // ends the requests' contexts, and with them what hangs
	l.serving.Wait()
}

// Refuse closes the port and every connection: further ones are refused by the
// kernel, until Reopen. A client that used a kept connection meanwhile may see
// its end (EOF) first, as it would if the server had died.
func (s *Server) Refuse() { s.halt(ended(), false) }

// Close ends the server and its requests at once and waits for its goroutines.
func (s *Server) Close() { s.halt(ended(), true) }

// Shutdown is Close with patience: requests in flight have until ctx ends.
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

// ended is no patience at all.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
