package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/config"
	"remux-retrier/mpcclient"
)

// connectKafka opens no connection yet.
func connectKafka(cfg config.Config, log logrus.FieldLogger) (*kafkalog.Client, error) {
	k := cfg.Kafka
	c := kafkalog.Config{
		Brokers: k.Brokers, GroupID: k.GroupID, ClientID: k.ClientID,
		Topic:            k.TopicFailed,
		Topics:           []string{k.TopicRetried, k.TopicRetryFailed, k.TopicDeadLetter},
		SessionTimeout:   k.SessionTimeout,
		RebalanceTimeout: drain(cfg) + consumer.RebalanceSlack,
		Debugf:           log.Debugf,
	}
	if k.TopicRecovered != "" {
		c.Topics = append(c.Topics, k.TopicRecovered)
	}
	if k.TLS != nil {
		c.TLS = k.TLS.Client
	}
	if k.SASL != nil {
		c.SASL = &mechanism{sasl: *k.SASL}
	}
	return kafkalog.New(c)
}

// mechanism authenticates each connection with the current password.
type mechanism struct {
	sasl config.SASL

	mu       sync.Mutex
	password string
	current  sasl.Mechanism // for password; it caches what SCRAM derives from it
}

// Format hides the password from every verb.
func (m *mechanism) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.sasl.Mechanism) }

func (m *mechanism) Name() string { return m.sasl.Mechanism }

func (m *mechanism) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	current, err := m.now()
	if err != nil {
		return nil, nil, errors.New("KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD cannot be used") // the cause quotes them
	}
	return current.Start(ctx)
}

func (m *mechanism) now() (sasl.Mechanism, error) {
	password := m.sasl.Password.Reveal()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current != nil && m.password == password {
		return m.current, nil
	}
	made, err := newMechanism(m.sasl.Mechanism, m.sasl.Username, password)
	if err != nil {
		return nil, err
	}
	m.current, m.password = made, password
	return made, nil
}

func newMechanism(name, username, password string) (sasl.Mechanism, error) {
	switch name {
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, username, password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, username, password)
	}
	return plain.Mechanism{Username: username, Password: password}, nil
}

// connectMPC opens no connection yet. beforeRequest waits until an additional request of a
// call may be sent; nil: it need not wait.
func connectMPC(cfg config.Config, version string, beforeRequest func(context.Context) error) (*mpcclient.Client, error) {
	m := cfg.MPC
	agent := "remux-retrier/" + version
	auth, err := authentication(m, agent)
	if err != nil {
		return nil, err
	}
	return mpcclient.New(mpcclient.Config{
		Endpoint: m.Endpoint, AllowInsecure: m.AllowInsecure, ProjectID: m.ProjectID,
		Auth: auth, Timeout: m.Timeout, CallTimeout: m.Timeout + drainSlack/2, MaxConns: m.MaxInFlight, UserAgent: agent, BeforeRequest: beforeRequest, Roots: m.Roots,
	})
}

// MetadataService replaces the address of the node's metadata service. Only tests set
// it, to a stand-in on loopback: no setting can send the node's keys elsewhere.
var MetadataService string

func authentication(m config.MPC, agent string) (mpcclient.Auth, error) {
	a := m.Auth
	switch a.Mode {
	case config.TokenMode:
		return mpcclient.TokenFrom(a.Token.Reveal), nil
	case config.AgencyMode:
		return mpcclient.Agency(mpcclient.AgencyConfig{Timeout: m.Timeout, Endpoint: MetadataService})
	case config.KeyMode:
		return mpcclient.AKSKFrom(a.AccessKey.Reveal, a.SecretKey.Reveal, a.SecurityToken.Reveal), nil
	}
	return mpcclient.PasswordFrom(mpcclient.PasswordConfig{
		Endpoint: a.IAM.Endpoint, AllowInsecure: m.AllowInsecure,
		Domain: a.IAM.Domain, Username: a.IAM.Username, Project: a.IAM.Project,
		Timeout: m.Timeout, UserAgent: agent, Roots: m.Roots,
	}, a.IAM.Password.Reveal)
}
