package kafkalog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/segmentio/kafka-go"

	"remux-retrier/consumer"
	"remux-retrier/internal/notice"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	l := alone(t, []string{"127.0.0.1:1"}, func(c *Config) { c.TLS = func() *tls.Config { return &tls.Config{} } })
	rows := map[error]string{
		kafka.TopicAuthorizationFailed:                       "must allow READ on topic t",
		kafka.GroupAuthorizationFailed:                       "must allow READ on topic t",
		kafka.ClusterAuthorizationFailed:                     "must allow READ on topic t",
		x509.UnknownAuthorityError{}:                         "KAFKA_TLS_CA_FILE",
		x509.HostnameError{Certificate: &x509.Certificate{}}: "advertised.listeners",
		x509.CertificateInvalidError{}:                       "dates",
		tls.RecordHeaderError{}:                              "KAFKA_TLS_ENABLED",
		&net.OpError{Op: "dial", Err: errors.New("refused")}: "KAFKA_BROKERS",
		&net.OpError{Op: "remote error", Err: io.EOF}:        "KAFKA_TLS_CERT_FILE",
		// Kafka 2.7's refusal
		&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}: "KAFKA_TLS_CERT_FILE",
		io.EOF:              "TLS is on here (KAFKA_TLS_ENABLED), SASL is off (KAFKA_SASL_MECHANISM)",
		io.ErrUnexpectedEOF: "another security protocol",
	}
	for code, advice := range advices {
		rows[code] = advice
	}
	if advice := advices[kafka.InvalidReplicationFactor]; !strings.Contains(advice, "older than Kafka 2.4") || !strings.Contains(advice, "create the topic yourself") {
		t.Errorf("brokers without a default replication factor are explained as %q", advice)
	}
	for cause, want := range rows {
		err := l.explain("fetch t/0", "READ on topic t", fmt.Errorf("library: %w", cause))
		if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "fetch t/0: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is explained as %q, want %q", cause, err, want)
		}
	}
	for _, cause := range []error{context.Canceled, kafka.NotLeaderForPartition} {
		if err := l.explain("fetch t/0", "", cause); err.Error() != "fetch t/0: "+cause.Error() || !errors.Is(err, cause) {
			t.Errorf("%v became %q", cause, err)
		}
	}
}

func TestAMemberOfAnotherProgramIsNamedWithoutALibrarysSlips(t *testing.T) {
	err := otherProgram(fmt.Errorf("unable to read metadata for member, console-consumer-1: %s", "%!w(<nil>)"))
	if want := "its member console-consumer-1 belongs to another program"; !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "%!w") {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestNewRefusesAnIncompleteConfig(t *testing.T) {
	whole := Config{Brokers: []string{"b:1"}, GroupID: "g", Topic: "t"}
	for name, take := range map[string]func(*Config){
		"brokers": func(c *Config) { c.Brokers = nil },
		"group":   func(c *Config) { c.GroupID = "" },
		"topic":   func(c *Config) { c.Topic = "" },
	} {
		cfg := whole
		take(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("without %s: no error", name)
		}
	}
}

// A broker that stops closes its connections first. Only the next attempt shows that
// nothing listens any more; advice about the security protocol would mislead.
func TestOnlyWhatStopsAllOperationsIsACauseForAll(t *testing.T) {
	l := alone(t, []string{"127.0.0.1:1"})
	for _, c := range []struct {
		cause         error
		is, confirmed bool
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true, true},
		{&silentError{address: "b:1"}, true, true},
		{x509.UnknownAuthorityError{}, true, true},
		{kafka.SASLAuthenticationFailed, true, true},
		{io.EOF, true, false},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true, false},
		{kafka.NotLeaderForPartition, false, false},
		{kafka.TopicAuthorizationFailed, false, false},
		{context.DeadlineExceeded, false, false},
	} {
		var shared notice.Cause
		is := errors.As(l.explain("fetch t/0", "READ on topic t", fmt.Errorf("library: %w", c.cause)), &shared)
		if is != c.is {
			t.Errorf("%v: a cause for all is %v", c.cause, is)
			continue
		}
		if !is {
			continue
		}
		_, fromNet := c.cause.(*net.OpError) //nolint:errorlint // it is made above
		if text, confirmed := shared.Cause(); confirmed != c.confirmed || strings.Contains(text, "fetch") || fromNet && strings.Contains(text, "library") || !strings.Contains(text, c.cause.Error()) {
			t.Errorf("%v: %q, confirmed %v", c.cause, text, confirmed)
		}
	}
}

// A cluster that cannot be reached must not look like a cluster without the topic: the
// consumer would treat the topic as deleted.
func TestUnreachableBrokersAreNoMissingTopic(t *testing.T) {
	l := alone(t, []string{"127.0.0.1:1"})
	ctx := soon(t)
	_, fetching := l.Fetch(ctx, consumed, 0, 0, 1<<20)
	_, _, asking := l.Bounds(ctx, consumed, 0)
	_, counting := l.Partitions(ctx, consumed)
	_, producing := l.Produce(ctx, consumed, 0, []consumer.Message{{}})
	_, missing := l.Missing(ctx, []string{consumed})
	for name, err := range map[string]error{
		"Fetch":      fetching,
		"Bounds":     asking,
		"Partitions": counting,
		"Missing":    missing,
		"Produce":    producing,
		"Create":     l.Create(ctx, []TopicSpec{{Name: consumed, Partitions: 1}}),
	} {
		if err == nil || errors.Is(err, consumer.ErrUnknownTopic) || !strings.Contains(err.Error(), "KAFKA_BROKERS") {
			t.Errorf("%s: %v; want what to check, and no missing topic", name, err)
		}
	}
}
