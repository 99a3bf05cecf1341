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

// brokers asks each configured broker by itself, and those that they name, which
// are the ones that the service will talk to. It tells whether any answers.
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

// broker asks one broker, with the TLS and SASL that are configured.
func (c *Checker) broker(ctx context.Context, addr, hint string) (advertised []string, ok bool) {
	what := "broker " + addr
	cfg := c.Service
	cfg.Kafka.Brokers = []string{addr}
	began := c.Now()
	err := c.with(ctx, cfg, func(ctx context.Context, log *kafkalog.Client) (err error) {
		advertised, err = log.Brokers(ctx)
		return err
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c.fail(what, "no answer after %v: a firewall drops what is sent to it, or the broker hangs%s", c.Now().Sub(began).Round(time.Second), hint)
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

// with lends a client for one check.
func (c *Checker) with(ctx context.Context, cfg config.Config, f func(context.Context, *kafkalog.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	log, err := c.Kafka(cfg)
	if err != nil {
		return err
	}
	defer log.Close()
	return f(ctx, log)
}

// cluster checks what any broker can tell.
func (c *Checker) cluster(ctx context.Context) {
	log, err := c.Kafka(c.Service)
	if err != nil {
		c.fail("kafka", "%v", err)
		return
	}
	defer log.Close()
	c.topics(ctx, log)
	c.group(ctx, log)
}

func (c *Checker) group(ctx context.Context, log *kafkalog.Client) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	k := c.Service.Kafka
	what := "group " + k.GroupID
	g, err := log.DescribeGroup(ctx)
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
		c.ok(what, "no member, it has not run yet")
	case len(g.Clients) == 0:
		c.ok(what, "no member now (%s)", g.State)
	default:
		c.ok(what, "%s, members: %s", g.State, strings.Join(g.Clients, ", "))
	}
	if twice := repeated(g.Clients); k.InstanceID != "" && len(twice) > 0 {
		c.warn(what, "several members are named %s: each instance needs a KAFKA_INSTANCE_ID of its own", strings.Join(twice, ", "))
	}
}

// repeated are the names that stand more than once in a sorted list.
func repeated(sorted []string) []string {
	var twice []string
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] && !slices.Contains(twice, sorted[i]) {
			twice = append(twice, sorted[i])
		}
	}
	return twice
}
