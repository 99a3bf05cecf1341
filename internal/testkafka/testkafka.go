// Package testkafka runs a real Apache Kafka (no Docker) on loopback ports for
// tests and for `make kafka`: the newest with KRaft, or the one that
// TESTKAFKA_VERSION names, from 2.7 on. It needs Java 17; the jars come from Maven
// once and stay in a cache folder.
//
// It is no client: tests bring their own. Only tests and the command beside it
// may import it; the service must not.
package testkafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ErrExternal says that what was asked for cannot be had of the brokers that
// KAFKA_BROKERS names, because they are not ours to configure or to stop.
var ErrExternal = errors.New("KAFKA_BROKERS names brokers that are not ours")

// Config says what cluster to run. The zero Config is one plaintext broker.
type Config struct {
	// Brokers is their number, 1 or 3: with 3, topics have three replicas, two
	// of which must be in sync. Defaults to 1.
	Brokers int
	// Port is the first broker's plaintext port. Defaults to a free one.
	Port int
	// Secured adds the listeners TLS to SASLTLS, the users and an authorizer
	// under which everything is allowed that no ACL speaks of.
	Secured bool
	// Properties are added to the server.properties of every broker.
	Properties map[string]string
}

// Cluster is a running cluster. Its methods are not for concurrent use.
type Cluster struct {
	external []string // brokers that are not ours
	dir      string
	keeper   *keeper // of an older version
	brokers  []*broker
	// Certificates are the files of a secured cluster.
	Certificates Certificates
}

// Start runs a cluster until Close; the context bounds only the start. Where
// KAFKA_BROKERS is set, those brokers are the cluster, and a Config that asks for
// more than a plain one is refused with ErrExternal.
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

// startTimeout bounds a start in a test. Maven's first run is in it.
const startTimeout = 3 * time.Minute

// ForTest is a cluster that ends with the test, which is skipped where the
// Config cannot be had. A test that fails shows the brokers' logs.
func ForTest(tb testing.TB, cfg Config) *Cluster {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	c, err := Start(ctx, cfg)
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
	nodes, err := layOut(cfg)
	if err != nil {
		return err
	}
	zooKeeperAt := ""
	if ZooKeeper() {
		zooKeeperAt = nodes[0].addr(controller) // where it needs no port
		if c.keeper, err = startKeeper(ctx, libs, c.dir, zooKeeperAt, cfg.Secured); err != nil {
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
		if c.keeper != nil {
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

// Addrs are the plaintext addresses.
func (c *Cluster) Addrs() []string {
	if c.external != nil {
		return c.external
	}
	return c.AddrsOf(Plaintext)
}

// AddrsOf are the addresses of one listener of our own brokers; all but
// Plaintext exist on a secured cluster only.
func (c *Cluster) AddrsOf(listener string) []string {
	var addrs []string
	for _, b := range c.brokers {
		addrs = append(addrs, b.node.addr(listener))
	}
	return addrs
}

// NeedOwn skips a test that stops or starts brokers where they are not ours.
func (c *Cluster) NeedOwn(tb testing.TB) {
	tb.Helper()
	if c.external != nil {
		tb.Skip(ErrExternal)
	}
}

// Kill ends broker i as a crash would (SIGKILL).
func (c *Cluster) Kill(i int) error { return c.with(i, func(b *broker) error { return b.kill() }) }

// Stop ends broker i in order (SIGTERM), leadership handed over.
func (c *Cluster) Stop(i int) error { return c.with(i, func(b *broker) error { return b.stop() }) }

// Pause freezes broker i (SIGSTOP): its connections stay open and say nothing.
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
			if c.keeper == nil || !errors.Is(err, errEnded) {
				return err
			}
			// ZooKeeper believes that the one that was killed still runs.
			time.Sleep(keeperSession / 8)
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

// Tail is the end of every broker's log, for a failed test.
func (c *Cluster) Tail() string {
	var all strings.Builder
	if c.keeper != nil {
		fmt.Fprintf(&all, "\n--- log of ZooKeeper\n%s", c.keeper.tail())
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
	if c.keeper != nil {
		_ = c.keeper.kill()
	}
	if c.dir != "" {
		_ = os.RemoveAll(c.dir) // a temporary folder
	}
}

// PIDs are the brokers' processes, for who measures what they use; none where
// the brokers are not ours.
func (c *Cluster) PIDs() []int {
	var pids []int
	for _, b := range c.brokers {
		if b.running != nil {
			pids = append(pids, b.running.Pid)
		}
	}
	return pids
}
