package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"remux-retrier/internal/smnsim"
)

// smnTopic is the SMN topic of --smn.
const smnTopic = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc"

// messageNumber finds the sandbox's own notifications by SMN's message_id, which is all that
// marks them.
var messageNumber = regexp.MustCompile(`"message_id":"sandbox-(-?\d+)"`)

// notifier is the path from MPC to Kafka: a simulated SMN, and remux-retrier receive.
type notifier struct {
	smn     *smnsim.SMN
	url     string
	receive *service
	ca      string // file with the authority of SMN's server; deleted by close
}

// startSMN starts SMN and receive, and subscribes receive. The service must have read
// its environment before.
func (s *sandbox) startSMN(ctx context.Context, brokers []string) error {
	smn, err := smnsim.New(smnsim.Config{Topic: smnTopic, Between: time.Second / 2})
	if err != nil {
		return err
	}
	n := &notifier{smn: smn}
	s.smn = n
	address, err := freeAddress("127.0.0.1")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "sandbox-smn-*.pem")
	if err != nil {
		return err
	}
	n.ca, n.url = file.Name(), "http://"+address+"/"
	if _, err := file.Write(smn.CA()); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	relay := s.relayLog
	if s.opts.log {
		relay = func([]byte) {}
	}
	n.receive, err = startService([]string{"receive"}, map[string]string{
		"KAFKA_BROKERS": strings.Join(brokers, ","), "KAFKA_TOPIC_FAILED": s.topics.failed,
		"RECEIVE_ADDR": address, "RECEIVE_TOPIC_URNS": smnTopic, "RECEIVE_CERT_HOSTS": smn.Host(), "RECEIVE_CA_FILE": n.ca,
		"HTTP_ADDR": "", "LOG_FORMAT": "text",
	}, s.serviceLog, relay)
	if err != nil {
		return err
	}
	m, err := smn.Message(smnsim.Subscribe, "You are invited to subscribe.", nil)
	if err != nil {
		return err
	}
	if err := n.deliver(ctx, m); err != nil {
		return err
	}
	if !smn.Confirmed(m) {
		return errors.New("receive did not confirm the subscription to SMN's topic")
	}
	return nil
}

// send makes SMN deliver the notification of an event.
func (n *notifier) send(ctx context.Context, event *sent) error {
	m, err := n.smn.Message(smnsim.Notification, notice(event.task, event.notice), smnsim.Message{"message_id": fmt.Sprintf("sandbox-%d", event.number)})
	if err != nil {
		return err
	}
	return n.deliver(ctx, m)
}

func (n *notifier) deliver(ctx context.Context, m smnsim.Message) error {
	status, err := n.smn.Deliver(ctx, n.url, m)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	if err != nil {
		return fmt.Errorf("receive does not accept SMN's message: %w; it logged last:\n%s", err, n.receive.log)
	}
	return nil
}

// close stops receive and SMN, and returns an error if receive failed.
func (n *notifier) close() error {
	if n == nil {
		return nil
	}
	var err error
	if n.receive != nil {
		n.receive.stop()
		<-n.receive.ended
		if n.receive.code != 0 {
			err = fmt.Errorf("receive has ended with exit code %d; it logged last:\n%s", n.receive.code, n.receive.log)
		}
	}
	n.smn.Close()
	if n.ca != "" {
		err = errors.Join(err, os.Remove(n.ca))
	}
	return err
}
