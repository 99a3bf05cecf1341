// Package testkafka runs a real Apache Kafka without Docker, on loopback ports, for
// tests and for `make kafka`: the newest version with KRaft, or the one that
// TESTKAFKA_VERSION names, from 2.7 on. It needs Java 17. Maven fetches the jars
// once, into a cache folder.
//
// It exports no Kafka client: tests use their own. Only tests, test/bench and its own
// cmd/kafka import it, never the service.
package testkafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// ErrExternal means that KAFKA_BROKERS names the brokers to use. They are not ours,
// so they can be neither configured nor stopped.
var ErrExternal = errors.New("KAFKA_BROKERS names brokers that are not ours")

// Config describes a cluster. The zero Config is one plaintext broker.
type Config struct {
	// Brokers is the number of brokers, 1 or 3. With 3, topics have three replicas,
	// two of which must be in sync. Defaults to 1.
	Brokers int
	// Port is the first broker's plaintext port. Defaults to a free one.
	Port int
	// Secured adds all listeners besides Plaintext, the user User for SASL, and an authorizer.
	// Resources without an ACL are open to all users.
	Secured bool
	// Properties are added to the server.properties of every broker.
	Properties map[string]string
}

// Cluster is a running cluster. Its methods are not for concurrent use.
type Cluster struct {
	external  []string // brokers that are not ours
	dir       string
	zooKeeper *zooKeeper // of an older version; else nil
	brokers   []*broker
	// Certificates are a secured cluster's certificate files.
	Certificates Certificates
}

// Start starts a cluster, which runs until Close. The context bounds only the start.
// If KAFKA_BROKERS is set, those brokers are the cluster, and any other than the
// zero Config is refused with ErrExternal.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if addrs := os.Getenv("KAFKA_BROKERS"); addrs != "" {
		if cfg.Secured || cfg.Brokers > 1 || cfg.Port != 0 || len(cfg.Properties) > 0 {
			return nil, fmt.Errorf("start a Kafka of our own: %w", ErrExternal)
		}
		return &Cluster{external: strings.Split(addrs, ",")}, nil
	}
	libs, err := Jars(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Brokers == 0 {
		cfg.Brokers = 1
	}
	dir, err := os.MkdirTemp("", "testkafka-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	if err := c.start(ctx, cfg, libs); err != nil {
		err = fmt.Errorf("start Kafka: %w%s", err, c.Tail())
		c.Close()
		return nil, err
	}
	return c, nil
}

// startTimeout bounds a start in a test, including Maven's first run.
const startTimeout = 3 * time.Minute

// starting lets one test's cluster start at a time: a start takes all of a small machine.
var starting sync.Mutex

// ForTest starts a cluster that ends with the test. If KAFKA_BROKERS does not allow
// this Config, the test is skipped. A failed test shows the brokers' logs.
func ForTest(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	starting.Lock()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	c, err := Start(ctx, cfg)
	cancel()
	starting.Unlock()
	if errors.Is(err, ErrExternal) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(c.Tail())
		}
		c.Close()
	})
	return c
}

func (c *Cluster) start(ctx context.Context, cfg Config, libs string) error {
	if cfg.Secured {
		var err error
		if c.Certificates, err = writeCertificates(c.dir); err != nil {
			return err
		}
	}
	nodes, err := newNodes(cfg)
	if err != nil {
		return err
	}
	zooKeeperAt := ""
	if ZooKeeper() {
		zooKeeperAt = nodes[0].addr(controller) // free: only KRaft has controllers
		if c.zooKeeper, err = startZooKeeper(ctx, libs, c.dir, zooKeeperAt, cfg.Secured); err != nil {
			return err
		}
	}
	for i := range nodes {
		dir := filepath.Join(c.dir, fmt.Sprintf("broker-%d", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		b := newBroker(libs, dir, nodes[i])
		c.brokers = append(c.brokers, b)
		if err := b.configure(serverProperties(cfg, nodes, i, dir, c.Certificates, zooKeeperAt)); err != nil {
			return err
		}
		if c.zooKeeper != nil {
			continue
		}
		if err := b.format(ctx, cfg.Secured); err != nil {
			return err
		}
	}
	for _, b := range c.brokers {
		if err := b.run(); err != nil {
			return err
		}
	}
	for _, b := range c.brokers {
		if err := b.await(ctx, len(nodes)); err != nil {
			return err
		}
	}
	return nil
}

// Addrs returns the brokers' plaintext addresses.
func (c *Cluster) Addrs() []string {
	if c.external != nil {
		return c.external
	}
	return c.AddrsOf(Plaintext)
}

// AddrsOf returns the brokers' addresses for one listener. Listeners other than
// Plaintext exist only on a secured cluster.
func (c *Cluster) AddrsOf(listener string) []string {
	var addrs []string
	for _, b := range c.brokers {
		addrs = append(addrs, b.node.addr(listener))
	}
	return addrs
}

// NeedOwn skips the test if the brokers are not ours. Tests that stop brokers call
// it.
func (c *Cluster) NeedOwn(tb testing.TB) {
	tb.Helper()
	if c.external != nil {
		tb.Skip(ErrExternal)
	}
}

// Kill ends broker i as a crash does (SIGKILL).
func (c *Cluster) Kill(i int) error { return c.with(i, func(b *broker) error { return b.kill() }) }

// Stop ends broker i with SIGTERM: it hands over its leaderships first.
func (c *Cluster) Stop(i int) error { return c.with(i, func(b *broker) error { return b.stop() }) }

// Pause stops broker i with SIGSTOP: its connections stay open, without answers.
func (c *Cluster) Pause(i int) error { return c.with(i, func(b *broker) error { return b.pause() }) }

// Resume lets a paused broker go on.
func (c *Cluster) Resume(i int) error { return c.with(i, func(b *broker) error { return b.resume() }) }

// Restart runs a stopped or killed broker again on the same port and data, and
// waits until it answers.
func (c *Cluster) Restart(ctx context.Context, i int) error {
	return c.with(i, func(b *broker) error {
		for {
			if err := b.run(); err != nil {
				return err
			}
			err := b.await(ctx, 1)
			if c.zooKeeper == nil || !errors.Is(err, errEnded) {
				return err
			}
			// For ZooKeeper the killed broker's session has not ended yet.
			time.Sleep(zooKeeperSession / 8)
		}
	})
}

func (c *Cluster) with(i int, do func(*broker) error) error {
	if c.external != nil {
		return ErrExternal
	}
	if err := do(c.brokers[i]); err != nil {
		return fmt.Errorf("broker %d: %w", i, err)
	}
	return nil
}

// Ended returns a channel that is closed when the broker has ended. After a restart there
// is a new one. It requires brokers of our own.
func (c *Cluster) Ended(i int) <-chan struct{} { return c.brokers[i].ended }

// Tail returns the end of each broker's log, for a failed test.
func (c *Cluster) Tail() string {
	var all strings.Builder
	if c.zooKeeper != nil {
		fmt.Fprintf(&all, "\n--- log of ZooKeeper\n%s", c.zooKeeper.tail())
	}
	for i, b := range c.brokers {
		fmt.Fprintf(&all, "\n--- log of broker %d\n%s", i, b.tail())
	}
	return all.String()
}

// Close kills the brokers and removes their data.
func (c *Cluster) Close() {
	for _, b := range c.brokers {
		_ = b.kill() // it may have ended already
	}
	if c.zooKeeper != nil {
		_ = c.zooKeeper.kill()
	}
	if c.dir != "" {
		_ = os.RemoveAll(c.dir) // a temporary folder
	}
}

// PIDs returns the ids of the brokers' processes, for measurements; none if the
// brokers are not ours.
func (c *Cluster) PIDs() []int {
	var pids []int
	for _, b := range c.brokers {
		if b.running != nil {
			pids = append(pids, b.running.Pid)
		}
	}
	return pids
}
