package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fakeBroker is a broker that has only the failed topic.
func fakeBroker(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, map[string]string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.SeedTopics(2, "remux.failed"))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	env := environment(t, nil)
	env["KAFKA_BROKERS"] = strings.Join(cluster.ListenAddrs(), ",")
	env["KAFKA_CREATE_TOPICS"] = "true"
	return cluster, env
}

// Such an error must not be retried for ever like unreachable brokers.
func TestATopicThatTheBrokersDoNotCreateIsExitCode1(t *testing.T) {
	for code, says := range map[*kerr.Error]string{
		kerr.TopicAuthorizationFailed:   "ACLs must allow CREATE on topic remux.retried",
		kerr.ClusterAuthorizationFailed: "ACLs must allow CREATE on topic remux.retried",
		kerr.InvalidReplicationFactor:   "default.replication.factor",
		kerr.PolicyViolation:            "create.topic.policy.class.name",
		kerr.InvalidConfig:              "retention.ms",
		kerr.InvalidTopicException:      "KAFKA_TOPIC_",
		kerr.InvalidPartitions:          "partitions",
	} {
		t.Run(code.Message, func(t *testing.T) {
			cluster, env := fakeBroker(t)
			words := "because of " + code.Message
			cluster.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				answer := r.ResponseKind().(*kmsg.CreateTopicsResponse)
				for _, topic := range r.(*kmsg.CreateTopicsRequest).Topics {
					answer.Topics = append(answer.Topics, kmsg.CreateTopicsResponseTopic{Topic: topic.Topic, ErrorCode: code.Code, ErrorMessage: &words})
				}
				return answer, nil, true
			})
			output, stop := start(t, env)
			await(t, output, "level=error")
			if c := stop(); c != 1 {
				t.Errorf("exit code %d", c)
			}
			for _, part := range []string{"create topic remux.retried: ", words, says} {
				if !strings.Contains(output.String(), part) {
					t.Errorf("the log does not contain %q:\n%s", part, output)
				}
			}
		})
	}
}

// The service retries: rights may be granted while it runs.
func TestBrokersThatRefuseAreNotSaidToBeAwaited(t *testing.T) {
	_, env := fakeBroker(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.User("PLAIN", "user", "password"))
	env["KAFKA_SASL_MECHANISM"], env["KAFKA_SASL_USERNAME"], env["KAFKA_SASL_PASSWORD"] = "PLAIN", "user", "password"
	output, stop := start(t, env)
	await(t, output, "the brokers reject this service's requests; retrying: ")
	if code := stop(); code != 0 || !strings.Contains(output.String(), "ACLs must allow DESCRIBE on topic remux.failed") || strings.Contains(output.String(), "waiting for the brokers") {
		t.Errorf("exit code %d\n%s", code, output)
	}
}

// A broker that has just started does not know its topics yet.
func TestTopicsThatTheBrokersTellOfALittleLaterAreNotMissing(t *testing.T) {
	cluster, env := fakeBroker(t)
	delete(env, "KAFKA_CREATE_TOPICS")
	asked := make(chan struct{}, 100)
	cluster.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		asked <- struct{}{}
		return nil, nil, false
	})
	output, stop := start(t, env)
	for range 2 { // topics count as missing only after some seconds of asking again
		select {
		case <-asked:
		case <-time.After(10 * time.Second):
			t.Fatalf("it does not try again:\n%s", output)
		}
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopics(t.Context(), 2, 1, nil, "remux.retried", "remux.retry_failed", "remux.failed.dlq"); err != nil {
		t.Fatal(err)
	}
	await(t, output, "partitions assigned")
	if code := stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, output)
	}
}
