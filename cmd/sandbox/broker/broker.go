// Package broker starts an embedded Kafka-compatible broker (franz-go's kfake)
// for the sandbox and for tests that need one in milliseconds.
//
// It keeps everything in memory, and it is a reading of Kafka's protocol, not
// Kafka: what must hold on a real broker is tested on one. The sandbox and tests
// may import it; the service may not, its binary links no test broker.
package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config says what the broker starts with.
type Config struct {
	// Topics are created at the start, with so many partitions each.
	Topics map[string]int
	// Port is where it listens on 127.0.0.1. Defaults to 0, a free port.
	Port int
	// MinSessionTimeout is the shortest session a group member may ask for.
	// Defaults to 6 seconds, as in Kafka; tests of evictions want less.
	MinSessionTimeout time.Duration
}

// Broker is a running single broker.
type Broker struct {
	cluster *kfake.Cluster
	addrs   []string
}

// Start returns once the broker accepts connections. There is no delay before
// the first generation of a group, and topics that nobody created do not exist.
func Start(cfg Config) (*Broker, error) {
	var errs []error
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		// Topics that are created without saying how get as many partitions as
		// the service's own default.
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

// Addrs are the host:port to give as KAFKA_BROKERS.
func (b *Broker) Addrs() []string { return append([]string(nil), b.addrs...) }

// Close ends the broker and cuts its connections.
func (b *Broker) Close() { b.cluster.Close() }
