package check

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/config"
)

// brokers checks each configured broker, and those that they advertise: the service will
// connect to them. It reports whether any broker answers.
func (c *Checker) brokers(ctx context.Context) bool {
	var advertised []string
	answers := false
	for _, addr := range c.Service.Kafka.Brokers {
		others, ok := c.broker(ctx, addr, "")
		answers = answers || ok
		advertised = append(advertised, others...)
	}
	slices.Sort(advertised)
	for _, addr := range slices.Compact(advertised) {
		if !slices.Contains(c.Service.Kafka.Brokers, addr) {
			c.broker(ctx, addr, "; the brokers give this address to their clients (advertised.listeners), so it must be reachable from here")
		}
	}
	return answers
}

// broker checks one broker, with the configured TLS and SASL.
func (c *Checker) broker(ctx context.Context, addr, hint string) (advertised []string, ok bool) {
	what := "broker " + addr
	cfg := c.Service
	cfg.Kafka.Brokers = []string{addr}
	began := c.Now()
	err := c.with(ctx, cfg, func(ctx context.Context, client *kafkalog.Client) (err error) {
		advertised, err = client.Brokers(ctx)
		return err
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c.fail(what, "no answer after %v: a firewall drops the packets, or the broker hangs%s", c.Now().Sub(began).Round(time.Second), hint)
		return nil, false
	case err != nil:
		c.fail(what, "%v%s", err, hint)
		return nil, false
	}
	over := "plaintext"
	if cfg.Kafka.TLS != nil {
		over = "TLS"
	}
	as := "no SASL"
	if s := cfg.Kafka.SASL; s != nil {
		as = s.Mechanism + " as " + s.Username
	}
	c.ok(what, "answers after %v, %s, %s", c.Now().Sub(began).Round(time.Millisecond), over, as)
	return advertised, true
}

// with runs one check with a client of its own.
func (c *Checker) with(ctx context.Context, cfg config.Config, f func(context.Context, *kafkalog.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	client, err := c.Kafka(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	return f(ctx, client)
}

// cluster checks what any broker knows: topics and the group.
func (c *Checker) cluster(ctx context.Context) {
	client, err := c.Kafka(c.Service)
	if err != nil {
		c.fail("kafka", "%v", err)
		return
	}
	defer client.Close()
	c.topics(ctx, client)
	c.group(ctx, client)
}

func (c *Checker) group(ctx context.Context, client *kafkalog.Client) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	k := c.Service.Kafka
	what := "group " + k.GroupID
	g, err := client.DescribeGroup(ctx)
	if err != nil {
		c.fail(what, "%v", err)
		return
	}
	switch {
	case g.Protocol != "" && g.Protocol != "consumer":
		c.fail(what, "is a group of %q, not of consumers: choose another KAFKA_GROUP_ID", g.Protocol)
	case g.State == kafkalog.NewProtocol:
		c.fail(what, "has members of the new group protocol (group.protocol=consumer), which this service does not support: stop them first, or choose another KAFKA_GROUP_ID")
	case g.Rights.Known && !g.Rights.Read:
		c.fail(what, "the brokers' ACLs must allow READ on it to this user")
	case len(g.Clients) == 0 && g.State == "Dead": // there is no such group
		c.ok(what, "no members; it has not run yet")
	case len(g.Clients) == 0:
		c.ok(what, "no members now (%s)", g.State)
	default:
		c.ok(what, "%s, members: %s", g.State, strings.Join(g.Clients, ", "))
	}
	if twice := repeated(g.Clients); k.InstanceID != "" && len(twice) > 0 {
		c.warn(what, "several members have the name %s: give each instance its own KAFKA_INSTANCE_ID", strings.Join(twice, ", "))
	}
}

// repeated returns the names that occur more than once in a sorted list.
func repeated(sorted []string) []string {
	var twice []string
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] && !slices.Contains(twice, sorted[i]) {
			twice = append(twice, sorted[i])
		}
	}
	return twice
}
