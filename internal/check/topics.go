package check

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/config"
	"remux-retrier/internal/plain"
)

// deadLetterOverhead is how much the headers of a dead letter may add to its record, in
// bytes.
const deadLetterOverhead = 4 << 10

// use is what the service does with a topic.
type use struct {
	topic       string
	read, write bool
	// Commands that need the right, if the service does not.
	readByCommand, writeByCommand string
	ledger                        bool // the service reads the topic back
	// less is what it means that records are kept for less than a day. Empty: nothing.
	less string
}

func uses(k config.Kafka) []use {
	all := []use{
		{topic: k.TopicFailed, read: true, writeByCommand: "`retry`, `redrive` and `sweep`",
			less: "events that an outage delays for longer are lost"},
		{topic: k.TopicRetried, read: true, write: true, ledger: true},
		{topic: k.TopicRetryFailed, read: true, write: true, ledger: true},
		{topic: k.TopicDeadLetter, write: true, readByCommand: "`redrive` and `explain`",
			less: "dead letters older than that cannot be redriven"},
	}
	if k.TopicRecovered != "" {
		all = append(all, use{topic: k.TopicRecovered, read: true, write: true, ledger: true})
	}
	return all
}

func (c *Checker) topics(ctx context.Context, client *kafkalog.Client) {
	sizes := map[string]int{}
	for _, u := range uses(c.Service.Kafka) {
		ctx, cancel := context.WithTimeout(ctx, within)
		if size := c.topic(ctx, client, u); size > 0 {
			sizes[u.topic] = size
		}
		cancel()
	}
	k := c.Service.Kafka
	failed, dead := sizes[k.TopicFailed], sizes[k.TopicDeadLetter]
	if failed > 0 && dead > 0 && dead < failed+deadLetterOverhead {
		c.warn("topic "+k.TopicDeadLetter, "max.message.bytes is %d, that of %s %d: a large dead letter may not fit and would block its partition; raise it to %d", dead, k.TopicFailed, failed, failed+deadLetterOverhead)
	}
}

// topic checks a topic and returns its size limit in bytes, 0 if unknown.
func (c *Checker) topic(ctx context.Context, client *kafkalog.Client, u use) (size int) {
	what := "topic " + u.topic
	s, err := client.DescribeTopic(ctx, u.topic)
	switch {
	case errors.Is(err, consumer.ErrUnknownTopic) && c.Service.Kafka.CreateTopics:
		c.warn(what, "does not exist; the service will create it (KAFKA_CREATE_TOPICS)")
		return 0
	case errors.Is(err, consumer.ErrUnknownTopic):
		c.fail(what, "does not exist, or this user may not see it: create it, or set KAFKA_CREATE_TOPICS=true; the brokers' ACLs must allow DESCRIBE on it")
		return 0
	case err != nil:
		c.fail(what, "%v", err)
		return 0
	}
	before := c.failed
	current := c.topicSettings(ctx, client, u, s)
	c.rights(what, u, s.Rights)
	if s.Leaderless > 0 {
		c.fail(what, "%d of %d partitions have no leader: brokers or the disks of all replicas are down", s.Leaderless, s.Partitions)
	}
	if c.failed == before {
		c.ok(what, "%s, %s%s", plain.Count(s.Partitions, "partition"), plain.Count(s.Replicas, "replica"), current.text)
	}
	return current.size
}

// settings are a topic's settings, as far as they can be read.
type settings struct {
	text string
	size int
}

func (c *Checker) topicSettings(ctx context.Context, client *kafkalog.Client, u use, s kafkalog.TopicState) settings {
	what := "topic " + u.topic
	const policy, retention, size, replicas = "cleanup.policy", "retention.ms", "max.message.bytes", "min.insync.replicas"
	is, err := client.Settings(ctx, u.topic, policy, retention, size, replicas)
	switch {
	case err != nil:
		c.warn(what, "its settings are unknown: %v", err)
		return settings{}
	case is == nil:
		c.warn(what, "its settings cannot be read: allow DESCRIBE_CONFIGS on it to have them checked")
		return settings{}
	}
	insync, _ := strconv.Atoi(is[replicas]) // a number; after an error 0, which checks nothing
	bytes, _ := strconv.Atoi(is[size])
	kept := retentionOf(is[retention])
	c.durability(what, s, insync)
	c.keeps(what, u, is[policy], kept)
	text := fmt.Sprintf(" (min.insync.replicas %d), cleanup.policy %s, kept for %s, messages up to %d bytes", insync, is[policy], forHowLong(kept), bytes)
	return settings{text, bytes}
}

// durability checks that acknowledged records survive, and that records can be
// acknowledged.
func (c *Checker) durability(what string, s kafkalog.TopicState, insync int) {
	switch {
	case insync > s.Replicas:
		c.fail(what, "min.insync.replicas is %d, but there %s: nothing can be written with acks=all; lower the one or raise the other", insync, are(s.Replicas, "replica"))
	case s.InSync < insync:
		c.fail(what, "a partition has %s in sync, but min.insync.replicas is %d: it cannot be written until more replicas are in sync", plain.Count(s.InSync, "replica"), insync)
	case s.Replicas == 1:
		c.warn(what, "has one replica: its records are lost with its broker; three, with min.insync.replicas=2, are usual")
	case insync == s.Replicas:
		c.warn(what, "min.insync.replicas is as large as the number of replicas, %d: if one broker is down, nothing can be written", insync)
	case insync == 1:
		c.warn(what, "min.insync.replicas is 1: an acknowledged record may be lost with one broker; 2 is usual with %d replicas", s.Replicas)
	}
}

// keeps checks that records are kept for as long as they are needed.
func (c *Checker) keeps(what string, u use, policy string, kept time.Duration) {
	window := c.Service.Retry.BudgetWindow
	compacted := strings.Contains(policy, "compact")
	switch {
	case compacted && u.ledger:
		c.fail(what, "cleanup.policy is %s: compaction keeps only a task's last outcome, but the service needs all of them; set cleanup.policy=delete", policy)
	case compacted:
		c.warn(what, "cleanup.policy is %s: compaction may delete records before they are read; set cleanup.policy=delete", policy)
	case kept == unlimited:
	case u.ledger && kept < window:
		c.warn(what, "keeps its records for %s, but RETRY_BUDGET_WINDOW is %v: older retries do not count; raise retention.ms or shorten the window", forHowLong(kept), window)
	case u.less != "" && kept < 24*time.Hour:
		c.warn(what, "keeps its records for %s only: %s; raise retention.ms", forHowLong(kept), u.less)
	}
}

// rights checks the brokers' ACLs.
func (c *Checker) rights(what string, u use, r kafkalog.Rights) {
	if !r.Known {
		return
	}
	need := func(name string, has, needs bool, byCommand string) {
		switch {
		case has:
		case needs:
			c.fail(what, "the brokers' ACLs must allow %s on it to this user", name)
		case byCommand != "":
			c.warn(what, "the brokers' ACLs do not allow %s on it: the service does not need it, but %s do", name, byCommand)
		}
	}
	need("READ", r.Read, u.read, u.readByCommand)
	need("WRITE", r.Write, u.write, u.writeByCommand)
}

// are returns a number with its noun and verb.
func are(n int, what string) string {
	if n == 1 {
		return "is " + plain.Count(n, what)
	}
	return "are " + plain.Count(n, what)
}

// unlimited is the retention of a topic that keeps its records for ever, or whose
// retention.ms is not a number. Zero is the shortest one: Kafka accepts it.
const unlimited time.Duration = -1

// retentionOf reads retention.ms.
func retentionOf(millis string) time.Duration {
	n, err := strconv.ParseInt(millis, 10, 64)
	const longest = 290 * 365 * 24 * time.Hour // about the largest Duration
	if err != nil || n < 0 || n > int64(longest/time.Millisecond) {
		return unlimited
	}
	return time.Duration(n) * time.Millisecond
}

func forHowLong(d time.Duration) string {
	switch {
	case d == unlimited:
		return "ever"
	case d > 0 && d%(24*time.Hour) == 0:
		return plain.Count(int(d/(24*time.Hour)), "day")
	}
	return d.String()
}
