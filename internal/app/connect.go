package app

import (
	"context"
	"errors"

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
func connectKafka(cfg config.Config, log logrus.FieldLogger) (*kafkalog.Log, error) {
	k := cfg.Kafka
	mechanism, err := mechanism(k.SASL)
	if err != nil {
		return nil, errors.New("KAFKA_SASL_USERNAME or KAFKA_SASL_PASSWORD cannot be used") // the cause quotes them
	}
	return kafkalog.New(kafkalog.Config{
		Brokers: k.Brokers, GroupID: k.GroupID, ClientID: k.ClientID,
		Topic:            k.TopicFailed,
		Topics:           []string{k.TopicRetried, k.TopicRetryFailed, k.TopicDeadLetter},
		SessionTimeout:   k.SessionTimeout,
		RebalanceTimeout: drain(cfg) + consumer.RebalanceSlack,
		TLS:              k.TLS,
		SASL:             mechanism,
		Debugf:           log.Debugf,
	})
}

func mechanism(s *config.SASL) (sasl.Mechanism, error) {
	switch {
	case s == nil:
		return nil, nil
	case s.Mechanism == "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, s.Username, s.Password.Reveal())
	case s.Mechanism == "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, s.Username, s.Password.Reveal())
	}
	return plain.Mechanism{Username: s.Username, Password: s.Password.Reveal()}, nil
}

// connectMPC opens no connection yet. beforeRequest waits for a turn of a
// request beyond the one that a call has been given.
func connectMPC(cfg config.Config, version string, beforeRequest func(context.Context) error) (*mpcclient.Client, error) {
	m := cfg.MPC
	agent := "remux-retrier/" + version
	auth, err := authentication(m, agent)
	if err != nil {
		return nil, err
	}
	return mpcclient.New(mpcclient.Config{
		Endpoint: m.Endpoint, AllowInsecure: m.AllowInsecure, ProjectID: m.ProjectID,
		Auth: auth, Timeout: m.Timeout, MaxConns: m.MaxInFlight, UserAgent: agent, BeforeRequest: beforeRequest,
	})
}

func authentication(m config.MPC, agent string) (mpcclient.Auth, error) {
	a := m.Auth
	switch a.Mode {
	case config.TokenMode:
		return mpcclient.Token(a.Token.Reveal()), nil
	case config.AgencyMode:
		return mpcclient.Agency(mpcclient.AgencyConfig{Timeout: m.Timeout})
	case config.KeyMode:
		return mpcclient.AKSK(a.AccessKey.Reveal(), a.SecretKey.Reveal(), a.SecurityToken.Reveal()), nil
	}
	return mpcclient.Password(mpcclient.PasswordConfig{
		Endpoint: a.IAM.Endpoint, AllowInsecure: m.AllowInsecure,
		Domain: a.IAM.Domain, Username: a.IAM.Username, Project: a.IAM.Project,
		Timeout: m.Timeout, UserAgent: agent,
	}, a.IAM.Password.Reveal())
}
