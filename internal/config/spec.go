package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"

	"remux-retrier/internal/watchfile"
)

// spec lists every variable of the service: envconfig reads it, and the documentation is
// generated from it. All fields are strings, because envconfig stops at the first value
// that it cannot convert and quotes it, while Load reports all problems together and quotes
// no secret. Tags: default and desc are shown in the table, shown replaces an empty
// default, secret adds the _FILE variant.
type spec struct {
	KafkaBrokers          string `envconfig:"KAFKA_BROKERS" shown:"required" desc:"Brokers to start from, comma-separated host:port."`
	KafkaGroupID          string `envconfig:"KAFKA_GROUP_ID" default:"remux-retrier" desc:"Consumer group; all instances share one."`
	KafkaClientID         string `envconfig:"KAFKA_CLIENT_ID" default:"remux-retrier" desc:"Client id shown to the brokers."`
	KafkaInstanceID       string `envconfig:"KAFKA_INSTANCE_ID" desc:"A name that no other instance has and that survives a restart, such as a pod's name. After a crash the restarted instance rejoins the group within a second instead of waiting for the session timeout. Two live instances must not share one."`
	KafkaTopicFailed      string `envconfig:"KAFKA_TOPIC_FAILED" default:"remux.failed" desc:"Consumed: failure events."`
	KafkaTopicRetried     string `envconfig:"KAFKA_TOPIC_RETRIED" default:"remux.retried" desc:"Produced: outcomes of tasks that are being retried."`
	KafkaTopicRetryFailed string `envconfig:"KAFKA_TOPIC_RETRY_FAILED" default:"remux.retry_failed" desc:"Produced: outcomes of tasks that are not retried."`
	KafkaTopicDeadLetter  string `envconfig:"KAFKA_TOPIC_DEAD_LETTER" default:"remux.failed.dlq" desc:"Produced: records that could not be read as failure events, byte for byte."`
	KafkaTopicRecovered   string `envconfig:"KAFKA_TOPIC_RECOVERED" shown:"off" desc:"Produced: recoveries, which say that a task has succeeded after a retry of this service. Empty: none are published, and MPC's notifications of success are ignored."`
	KafkaStartOffset      string `envconfig:"KAFKA_START_OFFSET" default:"earliest" desc:"Where a group without a committed offset begins: earliest or latest."`
	KafkaCreateTopics     string `envconfig:"KAFKA_CREATE_TOPICS" default:"false" desc:"Create missing topics at start instead of refusing to run."`
	KafkaSessionTimeout   string `envconfig:"KAFKA_SESSION_TIMEOUT" default:"10s" desc:"How long the group waits for a silent instance before its partitions move; 6s to 30m."`
	KafkaTLSEnabled       string `envconfig:"KAFKA_TLS_ENABLED" default:"false" desc:"Use TLS (1.2 or later) for the connections to the brokers."`
	KafkaTLSCAFile        string `envconfig:"KAFKA_TLS_CA_FILE" shown:"system's" desc:"PEM file with the authorities that may sign the brokers' certificates."`
	KafkaTLSVerifyName    string `envconfig:"KAFKA_TLS_VERIFY_HOSTNAME" default:"true" desc:"false: the broker's name is not compared with its certificate, as DMS for Kafka requires. The certificate must still be signed by an authority in KAFKA_TLS_CA_FILE, which must then be set."`
	KafkaTLSCertFile      string `envconfig:"KAFKA_TLS_CERT_FILE" desc:"PEM file with the client certificate, for mutual TLS."`
	KafkaTLSKeyFile       string `envconfig:"KAFKA_TLS_KEY_FILE" desc:"PEM file with the client certificate's private key, unencrypted."`
	KafkaSASLMechanism    string `envconfig:"KAFKA_SASL_MECHANISM" desc:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; needs user name and password."`
	KafkaSASLUsername     string `envconfig:"KAFKA_SASL_USERNAME" desc:"SASL user name."`
	KafkaSASLPassword     string `envconfig:"KAFKA_SASL_PASSWORD" secret:"true" desc:"SASL password."`

	MPCRegion            string `envconfig:"MPC_REGION" desc:"Region, such as cn-north-4; gives the default of MPC_ENDPOINT, IAM_ENDPOINT and IAM_PROJECT."`
	MPCEndpoint          string `envconfig:"MPC_ENDPOINT" shown:"from MPC_REGION" desc:"Base URL of the API, such as https://mpc.cn-north-4.myhuaweicloud.com."`
	MPCAllowInsecure     string `envconfig:"MPC_ALLOW_INSECURE" default:"false" desc:"Allow plain http in MPC_ENDPOINT and IAM_ENDPOINT for addresses that are not loopback. Credentials then cross the network unencrypted."`
	MPCProjectID         string `envconfig:"MPC_PROJECT_ID" shown:"required" desc:"Project id in the API's path."`
	MPCAuthToken         string `envconfig:"MPC_AUTH_TOKEN" secret:"true" desc:"Authentication, mode 1: a user token, sent as X-Auth-Token."`
	MPCAccessKey         string `envconfig:"MPC_ACCESS_KEY" secret:"true" desc:"Authentication, mode 2: access key (AK) that signs each request."`
	MPCSecretKey         string `envconfig:"MPC_SECRET_KEY" secret:"true" desc:"Mode 2: secret key (SK)."`
	MPCSecurityToken     string `envconfig:"MPC_SECURITY_TOKEN" secret:"true" desc:"Mode 2: security token of a temporary AK/SK; leave it out with permanent keys."`
	IAMEndpoint          string `envconfig:"IAM_ENDPOINT" shown:"from MPC_REGION" desc:"Mode 3: base URL of IAM, such as https://iam.cn-north-4.myhuaweicloud.com."`
	IAMDomain            string `envconfig:"IAM_DOMAIN" desc:"Authentication, mode 3: account (domain) name. The service fetches and renews the user token itself."`
	IAMUsername          string `envconfig:"IAM_USERNAME" desc:"Mode 3: IAM user name."`
	IAMPassword          string `envconfig:"IAM_PASSWORD" secret:"true" desc:"Mode 3: the user's password."`
	IAMProject           string `envconfig:"IAM_PROJECT" shown:"MPC_REGION" desc:"Mode 3: name of the project that the token is for."`
	MPCCredentials       string `envconfig:"MPC_CREDENTIALS" desc:"Authentication, mode 4: ecs-agency takes temporary keys from the metadata service of the ECS or CCE node, whose agency must have the permissions. The service renews them itself."`
	MPCCAFile            string `envconfig:"MPC_CA_FILE" desc:"PEM file with authorities that may sign MPC's and IAM's certificates, in addition to the system's: for endpoints with a private authority."`
	MPCRequestsPerMinute string `envconfig:"MPC_REQUESTS_PER_MINUTE" default:"100" desc:"The tenant's API quota, shared by the whole consumer group: a positive number, or unlimited."`
	MPCMaxInFlight       string `envconfig:"MPC_MAX_IN_FLIGHT" default:"64" desc:"Concurrent API calls of one instance; 1 to 10000."`
	MPCTimeout           string `envconfig:"MPC_TIMEOUT" default:"10s" desc:"Time limit of one API call; 100ms to 5m."`

	RetryBudget       string `envconfig:"RETRY_BUDGET" default:"3" desc:"Accepted retries for each task within RETRY_BUDGET_WINDOW: a positive number, or unlimited."`
	RetryBudgetWindow string `envconfig:"RETRY_BUDGET_WINDOW" default:"24h" desc:"The window of RETRY_BUDGET, 1s to 2160h (90 days). The outcome topics must keep their records for as long."`
	RetryMaxEventAge  string `envconfig:"RETRY_MAX_EVENT_AGE" default:"unlimited" desc:"Failure events that are older than this when they are read are answered expired, without a call; or unlimited. For a first deployment on an old topic, for example 48h."`
	RetryMaxAttempts  string `envconfig:"RETRY_MAX_ATTEMPTS" default:"5" desc:"Calls for one task that fail while the API serves others, before the answer is attempts_exhausted; 1 to 1000."`
	RetrySkipCodes    string `envconfig:"RETRY_SKIP_CODES" shown:"none" desc:"Failure codes, comma-separated, that a retry cannot repair: their events are answered not_retryable, without a call."`
	RetryAllowForce   string `envconfig:"RETRY_ALLOW_FORCE" default:"true" desc:"false: ignore the header remux-retrier-force, with which retry --force overrides budget, age and skip codes."`

	ShutdownTimeout  string `envconfig:"SHUTDOWN_TIMEOUT" default:"25s" desc:"Time for work in flight after SIGTERM or SIGINT; must exceed MPC_TIMEOUT by more than 5s. A second signal ends the process at once."`
	HTTPAddr         string `envconfig:"HTTP_ADDR" default:"127.0.0.1:8080" desc:"Listen address, host:port, of the operator's page, health and metrics; empty turns them off."`
	HTTPAllowedHosts string `envconfig:"HTTP_ALLOWED_HOSTS" shown:"loopback, own names and addresses" desc:"More names, comma-separated, that the Host header of a request may have, such as a proxy's; *.example.com for all names below a domain, * for any."`
	HTTPPathPrefix   string `envconfig:"HTTP_PATH_PREFIX" desc:"Path under which a proxy shows the page, such as /retrier. Requests below it are answered like those without it, so it does not matter whether the proxy takes it off."`
	LogLevel         string `envconfig:"LOG_LEVEL" default:"info" desc:"trace, debug, info, warn or error."`
	LogFormat        string `envconfig:"LOG_FORMAT" default:"auto" desc:"json, text, or auto: text on a terminal, json otherwise."`

	OTelEndpoint       string `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"Base URL of an OpenTelemetry collector, such as http://collector:4318: traces are sent there by OTLP over HTTP. Without it no traces are sent. The other standard OTEL_* variables work too, such as OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and OTEL_SDK_DISABLED."`
	OTelTracesEndpoint string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" desc:"The same as a full URL, such as http://collector:4318/v1/traces; takes precedence over the base URL."`
	OTelProtocol       string `envconfig:"OTEL_EXPORTER_OTLP_PROTOCOL" default:"http/protobuf" desc:"http/protobuf or http/json. gRPC is not supported; collectors accept HTTP on port 4318."`
	OTelTracesProtocol string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" desc:"The same for traces alone; takes precedence."`
	OTelTracesExporter string `envconfig:"OTEL_TRACES_EXPORTER" default:"otlp" desc:"otlp, or none to send no traces whatever the endpoint is."`
	OTelDisabled       string `envconfig:"OTEL_SDK_DISABLED" default:"false" desc:"true to send no traces whatever the endpoint is."`
}

// Row documents one variable.
type Row struct {
	Name        string
	Default     string // in words if the default is not a value; empty: unset
	Description string // sentences, on one line
}

// Table returns the documentation of all variables of the service, in the order in which
// Load reports problems.
func Table() []Row { return table(reflect.TypeFor[spec]()) }

// ReceiveTable returns the documentation of the variables that only receive reads.
func ReceiveTable() []Row { return table(reflect.TypeFor[receiveSpec]()) }

func table(t reflect.Type) []Row {
	rows := make([]Row, t.NumField())
	for i := range rows {
		tag := t.Field(i).Tag
		rows[i] = Row{tag.Get("envconfig"), tag.Get("default"), tag.Get("desc")}
		if rows[i].Default == "" {
			rows[i].Default = tag.Get("shown")
		}
		if tag.Get("secret") != "" {
			rows[i].Description += fmt.Sprintf(" Or in the file that %s%s names.", rows[i].Name, fileSuffix)
		}
	}
	return rows
}

// Markdown returns a table for docs/CONFIGURATION.md: one line per row, with a final
// newline.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("| Variable | Default | Meaning |\n|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Default, r.Description)
	}
	return b.String()
}

// read reads the environment with envconfig: the service's variables, and those of a
// command.
func read(more ...any) (*parser, error) {
	p := &parser{values: map[string]variable{}, files: &watchfile.Set{}}
	for _, s := range append([]any{spec{}}, more...) {
		v := reflect.New(reflect.TypeOf(s))
		if err := envconfig.Process("", v.Interface()); err != nil {
			return nil, fmt.Errorf("read the environment: %w", err)
		}
		for field, value := range v.Elem().Fields() {
			tag := field.Tag
			p.values[tag.Get("envconfig")] = variable{
				row: len(p.values), raw: value.String(), fallback: tag.Get("default"), secret: tag.Get("secret") != "",
			}
		}
	}
	return p, nil
}
