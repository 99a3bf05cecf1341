//go:build kafka

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/smnsim"
	"remux-retrier/internal/testkafka"
)

const smnTopic = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc"

// receiver is a process of remux-retrier receive, and a simulated SMN for it.
type receiver struct {
	*service
	r   *rig
	smn *smnsim.SMN
	url string
}

func (r *rig) receiver(pairs ...string) *receiver {
	r.t.Helper()
	smn, err := smnsim.New(smnsim.Config{Topic: smnTopic, Between: time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(smn.Close)
	ca := filepath.Join(r.t.TempDir(), "ca.pem")
	must(r.t, os.WriteFile(ca, smn.CA(), 0o600))
	addr := freeAddress(r.t)
	env := map[string]string{
		"KAFKA_BROKERS": strings.Join(r.brokers, ","), "KAFKA_TOPIC_FAILED": r.failed,
		"RECEIVE_ADDR": addr, "RECEIVE_TOPIC_URNS": smnTopic, "RECEIVE_CERT_HOSTS": smn.Host(), "RECEIVE_CA_FILE": ca,
	}
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return &receiver{service: launch(r.t, "receive", env, "receive"), r: r, smn: smn, url: "http://" + addr + "/smn"}
}

func (r *receiver) message(kind, text string) smnsim.Message {
	r.t.Helper()
	m, err := r.smn.Message(kind, text, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

// posts sends a message once and checks the status.
func (r *receiver) posts(want int, m smnsim.Message) {
	r.t.Helper()
	if status, err := r.smn.Post(r.r.ctx, r.url, m); err != nil || status != want {
		r.t.Errorf("%d, %v, want %d", status, err, want)
	}
}

// inFailedTopic reads the failed topic until it has n records.
func (r *rig) inFailedTopic(n int) []*kgo.Record {
	r.t.Helper()
	reader := r.newClient(kgo.ConsumeTopics(r.failed), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var all []*kgo.Record
	waitFor(r.t, 30*time.Second, fmt.Sprintf("%d records in the failed topic", n), func() (bool, string) {
		reader.PollRecords(r.ctx, 1000).EachRecord(func(rec *kgo.Record) { all = append(all, rec) })
		return len(all) >= n, fmt.Sprint(len(all))
	})
	return all
}

func TestSMNsNotificationsBecomeRetries(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{}, options{partitions: 8, sim: mpcsim.Config{}})
	r := newRig(t, o)
	receive := r.receiver()
	receive.ready()

	invitation := receive.message(smnsim.Subscribe, "You are invited")
	receive.posts(200, invitation)
	if !receive.smn.Confirmed(invitation) {
		t.Error("the subscription is not confirmed")
	}
	const tasks = 40
	sent := map[string]smnsim.Message{}
	for i := range tasks {
		id := fmt.Sprintf("task-%d", i)
		sent[id] = receive.message(smnsim.Notification, smnsim.TaskEnded(id, "FAILED", "MPC.10105", "ü"))
		receive.posts(200, sent[id])
	}
	// Each message with a 200 is in the topic, in the partition of Java's producer.
	written := r.inFailedTopic(tasks)
	for _, rec := range written {
		m := sent[string(rec.Key)]
		if string(rec.Value) != string(m.Body()) || int(rec.Partition) != murmurPartition(rec.Key, 8) {
			t.Errorf("%s in partition %d: %s", rec.Key, rec.Partition, rec.Value)
		}
	}
	if len(written) != tasks {
		t.Errorf("%d records of %d messages", len(written), tasks)
	}
	receive.posts(403, sent["task-1"].With(smnsim.Message{"message": "{}"}))

	must(t, c.Stop(0))
	late := receive.message(smnsim.Notification, smnsim.TaskEnded("late", "FAILED", "MPC.10105", ""))
	receive.posts(503, late)
	receive.waitFor(20*time.Second, "to notice that the broker is away", func() (bool, string) {
		status, body := receive.get("/readyz")
		return status == http.StatusServiceUnavailable, body
	})
	if status, body := receive.get("/healthz"); status != 200 {
		t.Errorf("/healthz: %d %s", status, body)
	}
	must(t, c.Restart(r.ctx, 0))
	waitFor(t, 60*time.Second, "the message to be accepted", func() (bool, string) {
		status, err := receive.smn.Deliver(r.ctx, receive.url, late)
		return status == 200, fmt.Sprint(status, err)
	})
	receive.ready()

	// The service handles them like any failure event.
	all := r.inFailedTopic(tasks + 1) // an attempt that was answered 503 may have been written
	r.addPublished(all...)
	r.start().ready()
	r.waitForAnswers(len(all), 30*time.Second)
	if got := r.collector.reasons(); got["accepted"] != tasks+1 || got["accepted"]+got["covered"] != len(all) {
		t.Errorf("%d records, answered %v", len(all), got)
	}
	_, metrics := receive.get("/metrics")
	for _, line := range []string{
		`remux_retrier_receive_messages_total{reason="failed",result="published"} 41`,
		`remux_retrier_receive_messages_total{reason="signature",result="refused"} 1`,
		`remux_retrier_receive_messages_total{reason="by_smn",result="confirmed"} 1`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("not counted: %s", line)
		}
	}
	if receive.smn.CertificateRequests() != 1 {
		t.Errorf("the certificate was fetched %d times", receive.smn.CertificateRequests())
	}
	receive.stop()
}

func TestReceiveWaitsForTheFailedTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{noTopics: true})
	receive := r.receiver()
	receive.waitFor(20*time.Second, "to name the topic", func() (bool, string) {
		status, body := receive.get("/readyz")
		return status == 503 && strings.Contains(body, r.failed), body
	})
	m := receive.message(smnsim.Notification, smnsim.TaskEnded("1", "FAILED", "", ""))
	receive.posts(503, m)
	r.create(2, r.failed)
	receive.ready()
	receive.posts(200, m)
	receive.stop()
}

// The one right that OPERATIONS lists for it.
func TestReceiveNeedsWRITEOnTheFailedTopicAlone(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{Secured: true, Properties: map[string]string{"allow.everyone.if.no.acl.found": "false"}}, options{partitions: 2})
	r := newRig(t, o)
	receive := r.receiver(
		"KAFKA_BROKERS", c.AddrsOf(testkafka.SASLPlaintext)[0], "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512",
		"KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD", testkafka.Password,
	)
	m := receive.message(smnsim.Notification, smnsim.TaskEnded("1", "FAILED", "", ""))
	receive.waitFor(20*time.Second, "to name the right", func() (bool, string) {
		status, body := receive.get("/readyz")
		return status == 503 && strings.Contains(body, "the brokers' ACLs must allow"), body
	})
	receive.posts(503, m)
	r.grant(right{operation: kadm.OpWrite, name: "remux.failed"})
	receive.ready()
	receive.posts(200, m)
	receive.stop()
}

func TestReceiveNeedsNothingOfMPC(t *testing.T) {
	t.Parallel()
	s := launch(t, "misconfigured", map[string]string{"RECEIVE_ADDR": "here", "RECEIVE_TLS_CERT_FILE": "/nowhere", "RECEIVE_CERT_HOSTS": "https://x/"}, "receive")
	if code := s.exitCode(20 * time.Second); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	for _, variable := range []string{"KAFKA_BROKERS", "RECEIVE_ADDR", "RECEIVE_TOPIC_URNS", "RECEIVE_TLS_KEY_FILE", "RECEIVE_CERT_HOSTS"} {
		if !strings.Contains("\n"+s.out.String(), "\n"+variable+" ") {
			t.Errorf("no line about %s:\n%s", variable, s.out.String())
		}
	}
	if strings.Contains(s.out.String(), "MPC_") {
		t.Errorf("it asks for MPC's settings:\n%s", s.out.String())
	}
}
