// Package broker starts an embedded Kafka-compatible broker (franz-go's kfake) for the
// sandbox, and for tests that need one in milliseconds.
//
// It keeps its data in memory. It implements Kafka's protocol, but is not Kafka: what
// must hold on a real broker is tested on a real one. The sandbox and tests import it,
// never the service, whose binary must not link a test broker.
package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config describes the broker.
type Config struct {
	// Topics are created at the start: partition counts by name.
	Topics map[string]int
	// Port is the port on 127.0.0.1. Defaults to 0, a free port.
	Port int
	// MinSessionTimeout is the shortest session timeout that a group member may
	// request. Defaults to 6 seconds, as in Kafka.
	MinSessionTimeout time.Duration
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	addrs   []string
}

// Start returns when the broker accepts connections. New groups start without a delay.
// Topics are not created automatically.
func Start(cfg Config) (*Broker, error) {
	var errs []error
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		// Topics that are created without a partition count get the service's default.
		kfake.DefaultNumPartitions(8),
	}
	for topic, partitions := range cfg.Topics {
		if topic == "" || partitions < 1 {
			errs = append(errs, fmt.Errorf("topic %q with %d partitions: expected a name and at least one", topic, partitions))
		}
		opts = append(opts, kfake.SeedTopics(int32(partitions), topic))
	}
	if cfg.Port != 0 {
		opts = append(opts, kfake.Ports(cfg.Port))
	}
	if cfg.MinSessionTimeout > 0 {
		opts = append(opts, kfake.GroupMinSessionTimeout(cfg.MinSessionTimeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("configure the embedded broker: %w", err)
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	return &Broker{cluster: cluster, addrs: cluster.ListenAddrs()}, nil
}

// Addrs returns the broker's addresses, host:port, as KAFKA_BROKERS lists them.
func (b *Broker) Addrs() []string { return append([]string(nil), b.addrs...) }

// Close ends the broker and cuts its connections.
func (b *Broker) Close() { b.cluster.Close() }
