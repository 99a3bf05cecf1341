package kafkalog

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"

	"remux-retrier/consumer"
)

// meanings maps broker errors to the errors of package consumer.
// https://kafka.apache.org/protocol#protocol_error_codes
var meanings = map[kafka.Error]error{
	kafka.OffsetOutOfRange:        consumer.ErrOffsetOutOfRange,
	kafka.UnknownTopicOrPartition: consumer.ErrUnknownTopic,
	kafka.MessageSizeTooLarge:     consumer.ErrTooLarge,
	kafka.RecordListTooLarge:      consumer.ErrTooLarge,
	kafka.InvalidRecord:           consumer.ErrInvalidRecord,
	kafka.IllegalGeneration:       consumer.ErrNotOwner,
	kafka.UnknownMemberId:         consumer.ErrNotOwner,
	kafka.RebalanceInProgress:     consumer.ErrNotOwner,
	kafka.FencedInstanceID:        consumer.ErrNotOwner,
}

// advices say what an operator can do about broker errors that only an operator can fix.
var advices = map[kafka.Error]string{
	kafka.BrokerNotAvailable:           "the responsible broker is not known: check KAFKA_BROKERS",
	kafka.SASLAuthenticationFailed:     "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM",
	kafka.UnsupportedSASLMechanism:     "the brokers do not offer this KAFKA_SASL_MECHANISM",
	kafka.IllegalSASLState:             "this broker port does not accept SASL: check KAFKA_BROKERS and KAFKA_SASL_MECHANISM",
	kafka.InvalidSessionTimeout:        "KAFKA_SESSION_TIMEOUT is outside the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms",
	kafka.InconsistentGroupProtocol:    "members of another program, or of the new group protocol (group.protocol=consumer), are in the group: stop them first, or check KAFKA_GROUP_ID",
	kafka.OffsetMetadataTooLarge:       "the brokers' offset.metadata.max.bytes must be at least 4096",
	kafka.InvalidReplicationFactor:     "the brokers' default.replication.factor exceeds their number, or they are older than Kafka 2.4, where no default is used: create the topic yourself",
	kafka.InvalidTopic:                 "the brokers reject this topic name: check the KAFKA_TOPIC_ variables",
	kafka.InvalidPartitionNumber:       "the brokers reject a topic with so many partitions: create it yourself",
	kafka.InvalidConfiguration:         "the brokers reject the settings cleanup.policy, retention.bytes, retention.ms or max.message.bytes: create the topic yourself",
	kafka.PolicyViolation:              "the brokers' create.topic.policy.class.name does not allow it: create the topic yourself",
	kafka.NotEnoughReplicas:            "fewer replicas are in sync than min.insync.replicas",
	kafka.NotEnoughReplicasAfterAppend: "fewer replicas are in sync than min.insync.replicas",
}

// operatorErrors are errors of reachable brokers that do not change until an operator acts.
var operatorErrors = []kafka.Error{
	kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
	kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState,
	kafka.InvalidTopic, kafka.InvalidPartitionNumber, kafka.InvalidReplicationFactor, kafka.InvalidConfiguration, kafka.PolicyViolation,
}

// NeedsOperator reports whether a reachable broker returned an error that does not change
// until an operator acts.
func NeedsOperator(err error) bool {
	var code kafka.Error
	return errors.As(err, &code) && slices.Contains(operatorErrors, code)
}

// explain adds to an error what was attempted and what to do about it, and maps it to an
// error of package consumer if there is one. right is the permission that the attempt
// needs.
func (l *Client) explain(doing, right string, err error) error {
	var code kafka.Error
	errors.As(err, &code)
	if meaning := meanings[code]; meaning != nil {
		return fmt.Errorf("%s: %w: %w", doing, meaning, err)
	}
	lost, confirmed := ofConnection(err)
	if advice := l.advice(code, right, err); advice != "" {
		err = fmt.Errorf("%w (%s)", err, advice)
	}
	if lost {
		err = &unreachable{err, confirmed}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// garbledAlert is what a TLS 1.3 rejection by Kafka 2.7 looks like: its alert cannot be
// decrypted.
const garbledAlert = "local error: tls: bad record MAC"

func (l *Client) advice(code kafka.Error, right string, err error) string {
	switch code {
	case kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed:
		return "the brokers' ACLs must allow " + right
	}
	if advice := advices[code]; advice != "" {
		return advice
	}
	var (
		unknownCA x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		notTLS    tls.RecordHeaderError
		op        *net.OpError
		silent    *silentError
	)
	switch {
	case errors.As(err, &unknownCA):
		return "the broker's certificate is signed by an authority that is not trusted here: check KAFKA_TLS_CA_FILE"
	case errors.As(err, &hostname):
		return "the broker's certificate is for another name: KAFKA_BROKERS and the brokers' advertised.listeners must use a name in it"
	case errors.As(err, &invalid):
		return "the broker's certificate is not valid: check its dates and usage, and this machine's clock"
	case errors.As(err, &notTLS):
		return "the broker's port does not speak TLS: check KAFKA_BROKERS and KAFKA_TLS_ENABLED"
	case errors.As(err, &op) && (op.Op == "remote error" || strings.Contains(op.Error(), garbledAlert)):
		return "the broker rejects this client's TLS handshake: check KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE"
	case errors.As(err, &silent), errors.As(err, &op) && op.Op == "dial":
		return "check KAFKA_BROKERS and the brokers' advertised.listeners"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return l.closedAdvice()
	}
	return ""
}

// closedAdvice explains a connection that the broker closed. A restarting broker does that,
// and also a port that expects another security protocol.
func (l *Client) closedAdvice() string {
	is := func(configured bool) string {
		if configured {
			return "on"
		}
		return "off"
	}
	return fmt.Sprintf("the broker closed the connection; if it always does, its port expects another security protocol: TLS is %s here (KAFKA_TLS_ENABLED), SASL is %s (KAFKA_SASL_MECHANISM)",
		is(l.cfg.TLS != nil), is(l.cfg.SASL != nil))
}
