package kafkalog

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
)

// session is an authenticated connection. If the broker limits the lifetime of an
// authentication (connections.max.reauth.ms), the session re-authenticates in time on the
// same connection (KIP-368). kafka-go does not: its connections would be closed at their
// next request, and with the group's connection its generation would end.
//
// mu guards the fields below it. It is never held while waiting.
type session struct {
	net.Conn
	client   *Client
	versions map[protocol.ApiKey]int16

	mu              sync.Mutex
	renewal         time.Time // re-authenticate before the first request after it; zero: never
	sent, got       frames
	unanswered      int       // requests
	toRead, toWrite time.Time // deadlines
}

// renewWithin is the share of an authentication's lifetime after which it is renewed, in
// percent.
const renewWithin = 85

// logIn authenticates here and not in kafka-go, which does not report how long the
// authentication lasts. On failure it closes the connection.
func (l *Client) logIn(ctx context.Context, conn net.Conn) (net.Conn, error) {
	s := &session{Conn: conn, client: l, versions: map[protocol.ApiKey]int16{}}
	deadline := time.Now().Add(requestTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	err := s.within(deadline, func(on *protocol.Conn) error {
		answer, err := l.exchange(on, s.versions, &apiversions.Request{})
		if err != nil {
			return err
		}
		for _, r := range answer.(*apiversions.Response).ApiKeys {
			key := protocol.ApiKey(r.ApiKey)
			s.versions[key] = key.SelectVersion(r.MinVersion, r.MaxVersion)
		}
		return s.authenticate(ctx, on)
	})
	if err == nil {
		err = s.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// within runs request-response exchanges on the connection before a deadline, while nothing
// else uses it.
func (s *session) within(deadline time.Time, do func(*protocol.Conn) error) error {
	if err := s.Conn.SetDeadline(deadline); err != nil {
		return err
	}
	return do(protocol.NewConn(s.Conn, s.client.cfg.ClientID))
}

func (s *session) authenticate(ctx context.Context, on *protocol.Conn) error {
	mechanism := s.client.cfg.SASL
	answer, err := s.client.exchange(on, s.versions, &saslhandshake.Request{Mechanism: mechanism.Name()})
	if err != nil {
		return err
	}
	if code := answer.(*saslhandshake.Response).ErrorCode; code != 0 {
		return kafka.Error(code)
	}
	machine, state, err := mechanism.Start(ctx)
	if err != nil {
		return err
	}
	for done := false; !done; {
		answer, err := s.client.exchange(on, s.versions, &saslauthenticate.Request{AuthBytes: state})
		if err != nil {
			return err
		}
		res := answer.(*saslauthenticate.Response)
		if res.ErrorCode != 0 {
			return kafka.Error(res.ErrorCode)
		}
		s.lasts(time.Duration(res.SessionLifetimeMs) * time.Millisecond)
		if done, state, err = machine.Next(ctx, res.AuthBytes); err != nil {
			return err
		}
	}
	return nil
}

// lasts notes how long the broker accepts the authentication; 0: for ever.
func (s *session) lasts(life time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewal = time.Time{}
	if life > 0 {
		s.renewal = time.Now().Add(life / 100 * renewWithin)
	}
}

// Write re-authenticates, if it is time, before a request starts. All earlier requests must
// have been answered: nothing may come in between. It works even after the authentication
// has expired: the broker checks that only when a request arrives, and accepts this one.
func (s *session) Write(b []byte) (int, error) {
	s.mu.Lock()
	due := !s.renewal.IsZero() && time.Now().After(s.renewal) && s.sent.between() && s.unanswered == 0
	s.mu.Unlock()
	if due {
		if err := s.renew(); err != nil {
			s.Conn.Close() // the broker would refuse everything after it
			return 0, fmt.Errorf("re-authenticate: %w", err)
		}
	}
	s.mu.Lock()
	_, _ = s.sent.follow(b, func([]byte) error { s.unanswered++; return nil })
	s.mu.Unlock()
	return s.Conn.Write(b)
}

func (s *session) renew() error {
	ctx, cancel := context.WithTimeout(s.client.closed, requestTimeout)
	defer cancel()
	deadline, _ := ctx.Deadline()
	if err := s.within(deadline, func(on *protocol.Conn) error { return s.authenticate(ctx, on) }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Conn.SetReadDeadline(s.toRead); err != nil {
		return err
	}
	return s.Conn.SetWriteDeadline(s.toWrite)
}

func (s *session) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	ended, _ := s.got.follow(b[:n], func([]byte) error { return nil })
	s.unanswered -= ended
	return n, err
}

func (s *session) SetDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toRead, s.toWrite = t, t
	return s.Conn.SetDeadline(t)
}

func (s *session) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toRead = t
	return s.Conn.SetReadDeadline(t)
}

func (s *session) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.toWrite = t
	return s.Conn.SetWriteDeadline(t)
}
