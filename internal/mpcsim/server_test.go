package mpcsim

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestRefusedConnectionsAndTheWayBack(t *testing.T) {
	server, client := start(t, Config{})
	address := server.Addr()
	if _, err := put(t.Context(), client, server, "a"); err != nil {
		t.Fatal(err)
	}
	server.Refuse()
	server.Refuse() // has no further effect
	client.CloseIdleConnections()
	for range 3 {
		if _, err := put(t.Context(), client, server, "b"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v, want connection refused", err)
		}
	}
	must(t, server.Reopen())
	must(t, server.Reopen())
	got, err := put(t.Context(), client, server, "b")
	must(t, err)
	got.want(t, 200, "")
	if server.Addr() != address || server.Accepted("a") != 1 || server.Accepted("b") != 1 {
		t.Fatalf("at %s (was %s): accepted a %d, b %d", server.Addr(), address, server.Accepted("a"), server.Accepted("b"))
	}
}

func TestRefuseCutsWhatIsInFlight(t *testing.T) {
	server, client := start(t, Config{Faults: Faults{Outage: Hanging}})
	done := make(chan error)
	go func() {
		_, err := put(t.Context(), client, server, "a")
		done <- err
	}()
	must(t, server.Await(t.Context(), Retry, 1))
	server.Refuse()
	if err := <-done; err == nil {
		t.Fatal(errUnexpectedAnswer)
	}
	if seen := server.Requests()[0]; seen.Verdict != Faulty || !seen.Lost {
		t.Fatalf("%+v", seen)
	}
}

func TestClosedServerStaysClosed(t *testing.T) {
	server, _ := start(t, Config{})
	server.Close()
	server.Close()
	if server.Reopen() == nil {
		t.Fatal("a closed server opened again")
	}
}

func TestShutdownLetsACallEnd(t *testing.T) {
	release := make(chan struct{})
	server, client := start(t, Config{
		Faults: Faults{Latency: time.Second},
		Sleep:  func(context.Context, time.Duration) error { <-release; return nil },
	})
	done := make(chan error)
	go func() {
		_, err := put(t.Context(), client, server, "a")
		done <- err
	}()
	must(t, server.Await(t.Context(), Retry, 1))
	stopped := make(chan struct{})
	go func() { server.Shutdown(t.Context()); close(stopped) }()
	for { // until the port is closed
		connection, err := net.Dial("tcp", server.Addr())
		if err != nil {
			break
		}
		_ = connection.Close()
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatalf("the call in flight ended with %v", err)
	}
	<-stopped
}

func TestResetIsAResetAndLossIsAnEnd(t *testing.T) {
	server, client := start(t, Config{})
	must(t, server.Script("a", Reset().Repeat(Always)))
	if _, err := put(t.Context(), client, server, "a"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reset: %v", err)
	}
	must(t, server.Script("b", Lose()))
	if _, err := put(t.Context(), client, server, "b"); !errors.Is(err, io.EOF) {
		t.Errorf("lost answer: %v", err)
	}
	if server.Accepted("a") != 0 || server.Accepted("b") != 1 {
		t.Errorf("accepted a %d, b %d; want 0 and 1", server.Accepted("a"), server.Accepted("b"))
	}
}

func TestClientsTimeOutIsSeenAsALostAnswer(t *testing.T) {
	server, client := start(t, Config{})
	must(t, server.Script("a", Slow(time.Hour)))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := put(ctx, client, server, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want a timeout", err)
	}
	server.Close() // waits for the handler
	if seen := server.Requests()[0]; seen.Verdict != Accepted || !seen.Lost {
		t.Fatalf("%+v", seen)
	}
}

func TestCloseWaitsForItsRequests(t *testing.T) {
	var ended atomic.Bool
	server, client := start(t, Config{
		Faults: Faults{Latency: time.Second},
		Sleep: func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done()
			time.Sleep(20 * time.Millisecond) // long enough to notice a Close that does not wait
			ended.Store(true)
			return ctx.Err()
		},
	})
	done := make(chan error)
	go func() {
		_, err := put(t.Context(), client, server, "a")
		done <- err
	}()
	must(t, server.Await(t.Context(), Retry, 1))
	server.Close()
	if !ended.Load() {
		t.Fatal("Close returned before its request had ended")
	}
	if err := <-done; err == nil {
		t.Fatal(errUnexpectedAnswer)
	}
}

func TestTLSWithItsOwnCertificate(t *testing.T) {
	server, client := start(t, Config{TLS: true})
	if _, err := put(t.Context(), client, server, "a"); err == nil {
		t.Fatal("an unknown certificate was trusted")
	}
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig = &tls.Config{RootCAs: server.Roots(), MinVersion: tls.VersionTLS12}
	got, err := put(t.Context(), client, server, "a")
	must(t, err)
	got.want(t, 200, "")
	if len(server.PEM()) == 0 || server.URL()[:8] != "https://" {
		t.Fatalf("URL %s, PEM %q", server.URL(), server.PEM())
	}
	must(t, server.Script("b", Reset()))
	if _, err := put(t.Context(), client, server, "b"); err == nil {
		t.Fatal(errUnexpectedAnswer)
	}
}

func TestPlainServerHasNoCertificate(t *testing.T) {
	server, _ := start(t, Config{})
	if server.PEM() != nil || server.Roots() != nil {
		t.Fatal("a certificate without TLS")
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	server, _ := start(t, Config{})
	if _, err := Start(complete(Config{Address: server.Addr()})); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("got %v, want address in use", err)
	}
}
