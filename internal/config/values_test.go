package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func TestRefusedValuesSayWhatIsExpected(t *testing.T) {
	long := strings.Repeat("x", 250)
	for _, c := range []struct{ name, value, says string }{
		{"KAFKA_BROKERS", "", "is not set: it must be comma-separated host:port"},
		{"KAFKA_BROKERS", " , ,", "must be comma-separated host:port"},
		{"KAFKA_BROKERS", "kafka", `has "kafka"`},
		{"KAFKA_BROKERS", "a:9092,kafka://b:9092", `has "kafka://b:9092"`},
		{"KAFKA_BROKERS", ":9092", `has ":9092"`},
		{"KAFKA_BROKERS", "a:0", `has "a:0"`},
		{"KAFKA_BROKERS", "a:65536", `has "a:65536"`},
		{"KAFKA_BROKERS", "::1:9092", "IPv6 address in brackets"},
		{"KAFKA_BROKERS", "a:9092 b:9092", "host:port"},
		{"KAFKA_GROUP_ID", "a\nb", `is "a\nb": it must be text without control characters`},
		{"KAFKA_TOPIC_FAILED", "a b", "1 to 249 letters, digits"},
		{"KAFKA_TOPIC_FAILED", "..", "not . or .."},
		{"KAFKA_TOPIC_FAILED", long, "1 to 249 letters"},
		{"KAFKA_TOPIC_DEAD_LETTER", "remux.retried", "and so is KAFKA_TOPIC_RETRIED: the four topics must be different"},
		{"KAFKA_START_OFFSET", "newest", "earliest or latest"},
		{"KAFKA_CREATE_TOPICS", "maybe", "true or false"},
		{"KAFKA_SESSION_TIMEOUT", "10", `is "10": it must be a duration with its unit, such as 10s, from 6s to 30m`},
		{"KAFKA_SESSION_TIMEOUT", "5999ms", "from 6s to 30m"},
		{"KAFKA_SESSION_TIMEOUT", "31m", "from 6s to 30m"},
		{"HTTP_PATH_PREFIX", "retrier", "begins with a slash"},
		{"HTTP_PATH_PREFIX", "/a//b", "such as /retrier"},
		{"HTTP_PATH_PREFIX", "/../b", "such as /retrier"},
		{"HTTP_PATH_PREFIX", "/a?b", "such as /retrier"},
		{"MPC_REGION", "cn north", "such as cn-north-4"},
		{"MPC_REGION", "mars-1", "or set MPC_ENDPOINT"},
		{"MPC_REGION", "mars-1", "cn-north-1, cn-north-4, cn-east-2, cn-east-3, cn-south-1, ap-southeast-3"},
		{"MPC_ENDPOINT", "mpc.example.com", "must be a base URL"},
		{"MPC_ENDPOINT", "ftp://mpc.example.com", "must be a base URL"},
		{"MPC_ENDPOINT", "https://", "must be a base URL"},
		{"MPC_ENDPOINT", "https://h:99999", "must be a base URL"},
		{"MPC_ENDPOINT", "https://h/?", "without user name or password, query and fragment"},
		{"MPC_ENDPOINT", "http://mpc.example.com", "MPC_ALLOW_INSECURE=true"},
		{"MPC_ENDPOINT", "http://10.0.0.1:9090", "MPC_ALLOW_INSECURE=true"},
		{"MPC_ENDPOINT", "http://[::ffff:10.0.0.1]", "MPC_ALLOW_INSECURE=true"},
		{"MPC_ENDPOINT", "http://localhost.example.com", "MPC_ALLOW_INSECURE=true"},
		{"MPC_ALLOW_INSECURE", "on", "true or false"},
		{"MPC_PROJECT_ID", "", "is not set"},
		{"MPC_PROJECT_ID", "../other", "letters, digits, hyphens"},
		{"MPC_REQUESTS_PER_MINUTE", "0", "for no limit, write unlimited"},
		{"MPC_REQUESTS_PER_MINUTE", "-1", "a positive whole number below 2^31, or unlimited"},
		{"MPC_REQUESTS_PER_MINUTE", "1e3", "a positive whole number"},
		{"MPC_REQUESTS_PER_MINUTE", "2147483648", "below 2^31"},
		{"MPC_MAX_IN_FLIGHT", "0", "from 1 to 10000"},
		{"MPC_MAX_IN_FLIGHT", "10001", "from 1 to 10000"},
		{"MPC_TIMEOUT", "0", "from 100ms to 5m"},
		{"MPC_TIMEOUT", "-1s", "from 100ms to 5m"},
		{"RETRY_BUDGET", "0", "for no limit, write unlimited"},
		{"RETRY_BUDGET", "three", "a positive whole number"},
		{"RETRY_BUDGET_WINDOW", "0", "such as 24h, from 1s to 2160h"},
		{"RETRY_BUDGET_WINDOW", "unlimited", "from 1s to 2160h"},
		{"RETRY_MAX_EVENT_AGE", "0", "a duration of 1s or more with its unit, such as 48h, or unlimited"},
		{"RETRY_MAX_EVENT_AGE", "2 days", "such as 48h"},
		{"RETRY_MAX_ATTEMPTS", "0", "from 1 to 1000"},
		{"RETRY_SKIP_CODES", "MPC.10052,10053", `has "10053"`},
		{"RETRY_SKIP_CODES", "MPC.1005", "MPC. and five digits"},
		{"SHUTDOWN_TIMEOUT", "15s", "must be more than 15s, which is MPC_TIMEOUT and 5s"},
		{"SHUTDOWN_TIMEOUT", "2h", "to 1h"},
		{"HTTP_ADDR", "8080", "host:port or :port, or empty"},
		{"HTTP_ADDR", "localhost:http", "host:port"},
		{"LOG_LEVEL", "loud", "trace, debug, info, warn or error"},
		{"LOG_FORMAT", "xml", "auto, json or text"},
		{"KAFKA_START_OFFSET", strings.Repeat("z", 1000), "800 bytes more"},
	} {
		t.Run(c.name+"="+c.value[:min(len(c.value), 20)], func(t *testing.T) {
			if problem := refused(t, c.name, c.name, c.value); !strings.Contains(problem, c.says) {
				t.Errorf("%q does not say %q", problem, c.says)
			}
		})
	}
}

func TestAcceptedValues(t *testing.T) {
	c := load(t,
		"KAFKA_BROKERS", " kafka-1:9092 ,[::1]:9093,10.0.0.1:1,", "KAFKA_START_OFFSET", "LATEST", "KAFKA_CREATE_TOPICS", "true",
		"KAFKA_TOPIC_FAILED", strings.Repeat("a", 249), "KAFKA_SESSION_TIMEOUT", "6s",
		"MPC_REQUESTS_PER_MINUTE", "unlimited", "MPC_MAX_IN_FLIGHT", "1000", "MPC_TIMEOUT", "1m30s",
		"RETRY_SKIP_CODES", "MPC.10053, MPC.10052,MPC.10053", "RETRY_MAX_ATTEMPTS", "1", "RETRY_MAX_EVENT_AGE", "48h",
		"RETRY_BUDGET", "Unlimited", "RETRY_BUDGET_WINDOW", "90m", "KAFKA_CLIENT_ID", "retrier", "KAFKA_INSTANCE_ID", "pod-0",
		"SHUTDOWN_TIMEOUT", "95001ms", "HTTP_ADDR", ":0", "LOG_LEVEL", "Debug", "LOG_FORMAT", "text")
	if want := []string{"kafka-1:9092", "[::1]:9093", "10.0.0.1:1"}; !slices.Equal(c.Kafka.Brokers, want) {
		t.Errorf("brokers are %q", c.Kafka.Brokers)
	}
	if want := []string{"MPC.10052", "MPC.10053"}; !slices.Equal(c.Retry.SkipCodes, want) {
		t.Errorf("skip codes are %q", c.Retry.SkipCodes)
	}
	if c.Kafka.StartOffset != Latest || !c.Kafka.CreateTopics || c.Kafka.SessionTimeout != 6*time.Second {
		t.Errorf("%+v", c.Kafka)
	}
	if c.Retry.Budget != Unlimited || c.Retry.BudgetWindow != 90*time.Minute || c.Kafka.ClientID != "retrier-pod-0" {
		t.Errorf("%+v %+v", c.Retry, c.Kafka)
	}
	if c.MPC.RequestsPerMinute != Unlimited || c.MPC.RequestsPerMinute.String() != "unlimited" ||
		c.MPC.MaxInFlight != 1000 || c.MPC.Timeout != 90*time.Second || c.Retry.MaxAttempts != 1 || c.Retry.MaxEventAge != 48*time.Hour {
		t.Errorf("%+v %+v", c.MPC, c.Retry)
	}
	if c.ShutdownTimeout != 95001*time.Millisecond || c.HTTPAddr != ":0" || c.LogLevel != logrus.DebugLevel || c.LogFormat != Text {
		t.Errorf("%+v", c)
	}
}

func TestPlainHTTPOnlyForLoopbackOrWhenAllowed(t *testing.T) {
	for _, endpoint := range []string{"http://localhost:9090", "http://127.0.0.1:9090", "http://127.1.2.3",
		"http://[::1]:9090", "http://[::ffff:127.0.0.1]"} {
		if got := load(t, "MPC_ENDPOINT", endpoint).MPC.Endpoint; got != endpoint {
			t.Errorf("%s became %s", endpoint, got)
		}
	}
	c := load(t, "MPC_ENDPOINT", "http://mpcsim:9090/prefix/", "MPC_ALLOW_INSECURE", "true")
	if c.MPC.Endpoint != "http://mpcsim:9090/prefix" || !c.MPC.AllowInsecure {
		t.Errorf("%+v", c.MPC)
	}
}

func TestEndpointOfARegionThatIsNotKnown(t *testing.T) {
	c := load(t, "MPC_REGION", "eu-west-101", "MPC_ENDPOINT", "https://mpc.example.com")
	if c.MPC.Endpoint != "https://mpc.example.com" {
		t.Errorf("%+v", c.MPC)
	}
}

func TestAddressesThatMayHoldAPasswordAreNotShown(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"MPC_ENDPOINT", "https://user:hunter2@mpc.example.com"},
		{"MPC_ENDPOINT", "https://mpc.example.com/?x=hunter2"},
		{"MPC_ENDPOINT", "mpc.example.com/?x=hunter2"},
		{"MPC_ENDPOINT", "https://mpc.example.com/#hunter2"},
		{"KAFKA_BROKERS", "user:hunter2@h:9092"},
		{"KAFKA_BROKERS", "hunter2@h:9092"},
		{"KAFKA_BROKERS", "user:hunter2,more@h:9092"}, // a password with a comma
		{"KAFKA_BROKERS", "h:9092?password=hunter2"},
		{"HTTP_ADDR", "hunter2@:8080"},
	} {
		problem := refused(t, c.name, c.name, c.value)
		if strings.Contains(problem, "hunter2") || !strings.Contains(problem, "value not shown") || !strings.Contains(problem, "it must be") {
			t.Error(problem)
		}
	}
}

func TestALevelMayBeWrittenAsTheLogWritesIt(t *testing.T) {
	for _, value := range []string{"warning", "Warn"} {
		if got := load(t, "LOG_LEVEL", value).LogLevel; got != logrus.WarnLevel {
			t.Errorf("%s is %v", value, got)
		}
	}
}
