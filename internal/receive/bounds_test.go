package receive

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/smnsim"
)

func TestBodiesTogetherAreBounded(t *testing.T) {
	var b bodies
	var open []func()
	for i := range 100 {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, maxBody)))
		body, done, err := b.read(r)
		var later *trouble
		switch {
		case b.held > maxHeld:
			t.Fatalf("%d bytes are held", b.held)
		case err == nil && len(body) != maxBody:
			t.Errorf("%d bytes were read", len(body))
		case err != nil && (!errors.As(err, &later) || later.reason != "busy"):
			t.Error(err)
		case err != nil && i < 7:
			t.Errorf("%d messages are too many already", i)
		}
		open = append(open, done)
	}
	for _, done := range open {
		done()
	}
	if b.held != 0 {
		t.Errorf("%d bytes are still held", b.held)
	}
}

// A body of unknown length must not be read beyond the bound.
func TestABodyWithoutEndIsCut(t *testing.T) {
	var b bodies
	r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(endless{}))
	_, done, err := b.read(r)
	if !errors.Is(err, errTooLarge) || b.held > 2*maxBody {
		t.Errorf("%v, %d bytes held", err, b.held)
	}
	done()
}

// endless is a body of spaces.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// stalled is a body that has so many bytes, and then no more until it is closed.
type stalled struct {
	left   int
	closed chan struct{}
}

func (s *stalled) Read(p []byte) (int, error) {
	if s.left == 0 {
		<-s.closed
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(p), s.left)
	s.left -= n
	return n, nil
}

func TestSendersThatStopInLargeBodiesKeepOutNoUsualMessage(t *testing.T) {
	for name, c := range map[string]struct {
		stalled []int // sizes, of a hundred senders each
		honest  []int
	}{
		"large":                    {[]int{maxBody - 1}, []int{3 << 10, 30 << 10}},
		"large and not quite":      {[]int{maxBody - 1, 400 << 10, 200 << 10, 100 << 10}, []int{3 << 10, 30 << 10}},
		"of all sizes but usual":   {[]int{maxBody - 1, 400 << 10, 100 << 10, 60 << 10, 20 << 10, 10 << 10}, []int{3 << 10}},
		"and so many usual others": {[]int{maxBody - 1, 400 << 10, 100 << 10, 60 << 10, 20 << 10, 10 << 10, 7 << 10, 7 << 10, 7 << 10, 7 << 10}, []int{3 << 10}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var b bodies
			var all sync.WaitGroup
			closed := make(chan struct{})
			for _, size := range c.stalled {
				for range 100 {
					all.Go(func() {
						_, done, _ := b.read(httptest.NewRequest(http.MethodPost, "/", &stalled{size, closed}))
						done()
					})
					synctest.Wait()
				}
			}
			for _, size := range c.honest {
				_, done, err := b.read(httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, size))))
				if err != nil {
					t.Errorf("%s: a message of %d bytes: %v, %d bytes are held", name, size, err, b.held)
				}
				done()
			}
			if b.held > maxHeld {
				t.Errorf("%s: %d bytes are held", name, b.held)
			}
			close(closed)
			all.Wait()
		})
	}
}

func TestSlowClientsHoldUpNobody(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	for range 2 * maxHandled {
		conn, err := net.Dial("tcp", b.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", maxBody)
	}
	b.sends(200, "a notification", b.failure("1").Body())
	b.bodies.mu.Lock()
	defer b.bodies.mu.Unlock()
	if b.bodies.held > 2*maxHandled*usualRoom {
		t.Errorf("%d bytes are held for what was announced alone", b.bodies.held)
	}
}

// A few bodies that stop in the middle take all the room there is.
func TestABodyThatStopsComingHoldsItsRoomNoLongerThanAnAnswerMayTake(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	if b.http.ReadTimeout == 0 || b.http.ReadTimeout > answerWithin {
		t.Errorf("%v", b.http.ReadTimeout)
	}
}

func TestKafkaThatHangsIsAnsweredBeforeSMNGivesUp(t *testing.T) {
	sim, err := smnsim.New(smnsim.Config{Topic: urn})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	encoded, err := sim.Certificate(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(encoded)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		log, _ := test.NewNullLogger()
		kafka := &fakeKafka{produce: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		s, err := New(Config{
			Addr: "127.0.0.1:0", Topics: []string{urn}, Hosts: []string{sim.Host()}, MaxAge: time.Hour, Kafka: kafka, Topic: "remux.failed",
			Clock: clock.System, Meters: NewMeters(), Log: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.verifier.certificates.fetch = func(context.Context, string) (*x509.Certificate, error) { return certificate, nil }
		m, err := sim.Message(smnsim.Notification, smnsim.TaskEnded("1", "FAILED", "", ""), nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var all sync.WaitGroup
		for range 2 * maxHandled { // more than are handled at once
			all.Go(func() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(m.Body())))
				if w.Code != 503 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != answerWithin {
			t.Errorf("answered after %v", took)
		}
	})
}
