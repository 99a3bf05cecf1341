// Package config reads the environment into a checked Config, or into the list of all its
// problems.
//
// It opens no connection. It reads only files named by variables (secrets, TLS
// certificates), so that a bad file is a configuration error at the start and not hours
// later. Values from files are updated when the files change. A variable that is set but
// empty counts as unset, because deployment templates leave empty ones behind; only
// HTTP_ADDR differs, its empty value means "no HTTP". internal/app, internal/check,
// internal/command and the simulation import this package; the others have Config structs
// of their own.
package config

import (
	"crypto/x509"
	"math"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/watchfile"
)

// Config is a complete and checked configuration. It can be printed and marshalled: secrets
// appear as a fixed word.
type Config struct {
	Kafka Kafka
	MPC   MPC
	Retry Retry

	// ShutdownTimeout bounds a clean stop. It exceeds MPC.Timeout by more than 5 s, which a
	// drain needs to publish and commit after the last call.
	ShutdownTimeout time.Duration
	// HTTPAddr is the listen address, host:port; empty: no HTTP.
	HTTPAddr string
	// HTTPAllowedHosts are names that a request's Host may have besides the instance's own:
	// *.example.com stands for all names below a domain, * for any.
	HTTPAllowedHosts []string
	// HTTPPathPrefix is a path that requests may have before their own, without a slash at
	// its end; empty: none.
	HTTPPathPrefix string

	LogLevel  logrus.Level
	LogFormat LogFormat
	// Traces reports whether traces are exported. OpenTelemetry's SDK reads from the
	// environment where and how.
	Traces bool

	// Files are the files with secrets and certificates. The values are updated from them.
	Files *watchfile.Set `json:"-"`

	// Warnings are problems that do not prevent running, one sentence each. Load fills them
	// also when it returns an error: a misspelt name often explains a missing variable.
	Warnings []string
}

// Kafka describes the brokers and the service's topics.
type Kafka struct {
	Brokers  []string // host:port, at least one
	GroupID  string
	ClientID string // as the brokers see it: InstanceID is part of it
	// InstanceID is a name that survives a restart; empty: none.
	InstanceID string

	// Different names.
	TopicFailed, TopicRetried, TopicRetryFailed, TopicDeadLetter string
	// TopicRecovered is a further one; empty: recoveries are not published.
	TopicRecovered string

	StartOffset    StartOffset
	CreateTopics   bool
	SessionTimeout time.Duration // 6 s to 30 min, what brokers accept by default

	TLS  *TLS  `json:"-"` // nil: plaintext
	SASL *SASL // nil: no authentication
}

// SASL is the authentication with the brokers.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	Username  string
	Password  Secret
}

// MPC describes the packaging API and how much of it may be used.
type MPC struct {
	Endpoint      string // base URL without a trailing slash
	AllowInsecure bool   // plain http is allowed for non-loopback addresses
	ProjectID     string
	Auth          Auth
	roots         *watchfile.Value[*x509.CertPool]

	RequestsPerMinute Limit         // of the whole consumer group
	MaxInFlight       int           // of this instance
	Timeout           time.Duration // of one request; 100 ms to 5 min
}

// Roots returns the authorities that may sign MPC's and IAM's certificates, from the
// current file; nil: the system's.
func (m MPC) Roots() *x509.CertPool {
	if m.roots == nil {
		return nil
	}
	return m.roots.Get()
}

// Retry is the policy for one failure event.
type Retry struct {
	Budget       Limit         // accepted retries of a task within BudgetWindow
	BudgetWindow time.Duration // 1 s to 90 days
	MaxEventAge  time.Duration // 0: unlimited
	MaxAttempts  int           // failed calls of a task while MPC serves others
	SkipCodes    []string      // sorted, without duplicates, e.g. MPC.10052
	// AllowForce: the header with which an event overrides Budget, MaxEventAge and
	// SkipCodes is accepted.
	AllowForce bool
}

// Limit is a positive number, or Unlimited.
type Limit int

// Unlimited is the Limit without a bound.
const Unlimited Limit = math.MaxInt

// String returns the value as written in the variable.
func (l Limit) String() string {
	if l == Unlimited {
		return unlimited
	}
	return strconv.Itoa(int(l))
}

// StartOffset is where a group without a committed offset starts.
type StartOffset string

// The values of KAFKA_START_OFFSET.
const (
	Earliest StartOffset = "earliest"
	Latest   StartOffset = "latest"
)

// LogFormat is the format of log lines.
type LogFormat string

// The values of LOG_FORMAT.
const (
	AutoFormat LogFormat = "auto" // Text on a terminal, JSON otherwise
	JSON       LogFormat = "json"
	Text       LogFormat = "text"
)

// Load reads the process's environment. The error is an Errors with every problem, in the
// table's order. Warnings are filled in both cases.
func Load() (Config, error) {
	p, err := read()
	if err != nil {
		return Config{}, err
	}
	c := Config{
		Kafka: p.kafka(),
		MPC:   p.mpc(),
		Retry: Retry{
			Budget:       p.limit("RETRY_BUDGET"),
			BudgetWindow: p.duration("RETRY_BUDGET_WINDOW", time.Second, 90*24*time.Hour),
			MaxEventAge:  p.age("RETRY_MAX_EVENT_AGE", time.Second),
			MaxAttempts:  p.integer("RETRY_MAX_ATTEMPTS", 1, 1000),
			SkipCodes:    p.failureCodes("RETRY_SKIP_CODES"),
			AllowForce:   p.boolean("RETRY_ALLOW_FORCE"),
		},
		HTTPAddr:         p.listenAddress("HTTP_ADDR"),
		HTTPAllowedHosts: p.hosts("HTTP_ALLOWED_HOSTS"),
		HTTPPathPrefix:   p.pathPrefix("HTTP_PATH_PREFIX"),
		LogLevel:         p.logLevel("LOG_LEVEL"),
		LogFormat:        LogFormat(p.oneOf("LOG_FORMAT", string(AutoFormat), string(JSON), string(Text))),
		Traces:           p.traces(),
		Files:            p.files,
	}
	c.ShutdownTimeout = p.shutdownTimeout("SHUTDOWN_TIMEOUT", c.MPC.Timeout)
	c.Warnings = append(p.warnings, unknownVariables()...)
	return c, p.problems.sorted()
}

func (p *parser) kafka() Kafka {
	k := Kafka{
		Brokers:          p.brokers("KAFKA_BROKERS"),
		GroupID:          p.text("KAFKA_GROUP_ID"),
		ClientID:         p.text("KAFKA_CLIENT_ID"),
		InstanceID:       p.text("KAFKA_INSTANCE_ID"),
		TopicFailed:      p.topic("KAFKA_TOPIC_FAILED"),
		TopicRetried:     p.topic("KAFKA_TOPIC_RETRIED"),
		TopicRetryFailed: p.topic("KAFKA_TOPIC_RETRY_FAILED"),
		TopicDeadLetter:  p.topic("KAFKA_TOPIC_DEAD_LETTER"),
		TopicRecovered:   p.optionalTopic("KAFKA_TOPIC_RECOVERED"),
		StartOffset:      StartOffset(p.oneOf("KAFKA_START_OFFSET", string(Earliest), string(Latest))),
		CreateTopics:     p.boolean("KAFKA_CREATE_TOPICS"),
		SessionTimeout:   p.duration("KAFKA_SESSION_TIMEOUT", 6*time.Second, 30*time.Minute),
		TLS:              p.tls(),
		SASL:             p.sasl(),
	}
	if k.InstanceID != "" {
		k.ClientID += "-" + k.InstanceID
	}
	if k.SASL != nil && k.SASL.Mechanism == saslPlain && k.TLS == nil {
		p.warn("KAFKA_SASL_MECHANISM is PLAIN without KAFKA_TLS_ENABLED: the password crosses the network unencrypted")
	}
	return k
}

func (p *parser) mpc() MPC {
	insecure := p.boolean("MPC_ALLOW_INSECURE")
	region := p.region("MPC_REGION")
	return MPC{
		Endpoint:          p.mpcEndpoint(region, insecure),
		AllowInsecure:     insecure,
		ProjectID:         p.pathSegment("MPC_PROJECT_ID"),
		Auth:              p.auth(region, insecure),
		roots:             p.authorities("MPC_CA_FILE", true),
		RequestsPerMinute: p.limit("MPC_REQUESTS_PER_MINUTE"),
		MaxInFlight:       p.integer("MPC_MAX_IN_FLIGHT", 1, 10_000),
		Timeout:           p.duration("MPC_TIMEOUT", 100*time.Millisecond, 5*time.Minute),
	}
}
