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
)

// deadLetterRoom is what the headers of a dead letter may add to its record.
const deadLetterRoom = 4 << 10

// use is what the service does with a topic.
type use struct {
	topic       string
	read, write bool
	// byCommand: a command needs the right beside, the service does not.
	readByCommand, writeByCommand string
	ledger                        bool // the outcomes are the ledger
}

func uses(k config.Kafka) []use {
	return []use{
		{topic: k.TopicFailed, read: true, writeByCommand: "`retry` and `redrive`"},
		{topic: k.TopicRetried, read: true, write: true, ledger: true},
		{topic: k.TopicRetryFailed, read: true, write: true, ledger: true},
		{topic: k.TopicDeadLetter, write: true, readByCommand: "`redrive` and `explain`"},
	}
}

func (c *Checker) topics(ctx context.Context, log *kafkalog.Client) {
	sizes := map[string]int{}
	for _, u := range uses(c.Service.Kafka) {
		ctx, cancel := context.WithTimeout(ctx, within)
		if size := c.topic(ctx, log, u); size > 0 {
			sizes[u.topic] = size
		}
		cancel()
	}
	k := c.Service.Kafka
	failed, dead := sizes[k.TopicFailed], sizes[k.TopicDeadLetter]
	if failed > 0 && dead > 0 && dead < failed+deadLetterRoom {
		c.warn("topic "+k.TopicDeadLetter, "max.message.bytes is %d, that of %s %d: a large dead letter may not fit and would block its partition; raise it to %d", dead, k.TopicFailed, failed, failed+deadLetterRoom)
	}
}

// topic checks a topic and gives its size limit, 0 if that is not known.
func (c *Checker) topic(ctx context.Context, log *kafkalog.Client, u use) (size int) {
	what := "topic " + u.topic
	s, err := log.DescribeTopic(ctx, u.topic)
	switch {
	case errors.Is(err, consumer.ErrUnknownTopic) && c.Service.Kafka.CreateTopics:
		c.warn(what, "does not exist; the service will create it (KAFKA_CREATE_TOPICS)")
		return 0
	case errors.Is(err, consumer.ErrUnknownTopic):
		c.fail(what, "does not exist, or may not be seen: create it, or set KAFKA_CREATE_TOPICS=true; the brokers' ACLs must allow DESCRIBE on it")
		return 0
	case err != nil:
		c.fail(what, "%v", err)
		return 0
	}
	before := c.failed
	settings := c.topicSettings(ctx, log, u, s)
	c.rights(what, u, s.Rights)
	if s.Leaderless > 0 {
		c.fail(what, "%d of %d partitions have no leader: brokers are away, or the disks of all replicas", s.Leaderless, s.Partitions)
	}
	if c.failed == before {
		c.ok(what, "%s, %s%s", counted(s.Partitions, "partition"), counted(s.Replicas, "replica"), settings.text)
	}
	return settings.size
}

// told is what a topic's settings say, where they may be seen.
type told struct {
	text string
	size int
}

func (c *Checker) topicSettings(ctx context.Context, log *kafkalog.Client, u use, s kafkalog.TopicState) told {
	what := "topic " + u.topic
	const policy, retention, size, replicas = "cleanup.policy", "retention.ms", "max.message.bytes", "min.insync.replicas"
	is, err := log.Settings(ctx, u.topic, policy, retention, size, replicas)
	switch {
	case err != nil:
		c.warn(what, "its settings are not known: %v", err)
		return told{}
	case is == nil:
		c.warn(what, "its settings may not be seen: allow DESCRIBE_CONFIGS on it to have them checked")
		return told{}
	}
	insync, _ := strconv.Atoi(is[replicas]) // the brokers' numbers; 0 checks nothing
	bytes, _ := strconv.Atoi(is[size])
	kept := retentionOf(is[retention])
	c.durability(what, s, insync)
	c.keeps(what, u, is[policy], kept)
	text := fmt.Sprintf(" (min.insync.replicas %d), cleanup.policy %s, kept for %s, messages up to %d bytes", insync, is[policy], forHowLong(kept), bytes)
	return told{text, bytes}
}

// durability checks that acknowledged records survive, and that records can be
// acknowledged.
func (c *Checker) durability(what string, s kafkalog.TopicState, insync int) {
	switch {
	case insync > s.Replicas:
		c.fail(what, "min.insync.replicas is %d, and there are %d replicas: nothing can be written with acks=all; lower the one or raise the other", insync, s.Replicas)
	case s.InSync < insync:
		c.fail(what, "a partition has %s in sync, and min.insync.replicas is %d: nothing is written to it until brokers are back", counted(s.InSync, "replica"), insync)
	case s.Replicas == 1:
		c.warn(what, "has one replica: what it holds is lost with its broker; three, with min.insync.replicas=2, are usual")
	case insync == s.Replicas:
		c.warn(what, "min.insync.replicas is as large as the number of replicas, %d: one broker away stops all writing", insync)
	case insync == 1:
		c.warn(what, "min.insync.replicas is 1: an acknowledged record may be lost with one broker; 2 is usual with %d replicas", s.Replicas)
	}
}

// keeps checks that records stay for as long as they are needed.
func (c *Checker) keeps(what string, u use, policy string, kept time.Duration) {
	window := c.Service.Retry.BudgetWindow
	compacted := strings.Contains(policy, "compact")
	switch {
	case compacted && u.ledger:
		c.fail(what, "cleanup.policy is %s: the outcomes are the record of what was answered, of which compaction keeps only a task's last; set cleanup.policy=delete", policy)
	case compacted:
		c.warn(what, "cleanup.policy is %s: of several records with one key only the last is kept, and the others may go before they are read; set cleanup.policy=delete", policy)
	case u.ledger && kept > 0 && kept < window:
		c.warn(what, "keeps its records for %s, and RETRY_BUDGET_WINDOW is %v: older retries are not counted; raise retention.ms, or shorten the window", forHowLong(kept), window)
	case kept > 0 && kept < 24*time.Hour:
		c.warn(what, "keeps its records for %s only: what an outage holds up for longer is lost; raise retention.ms", forHowLong(kept))
	}
}

// rights checks what the brokers' ACLs say, without trying it.
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
			c.warn(what, "the brokers' ACLs do not allow %s on it: the service does not need it, but %s", name, byCommand)
		}
	}
	need("READ", r.Read, u.read, u.readByCommand)
	need("WRITE", r.Write, u.write, u.writeByCommand)
}

// counted is so many of what has a regular plural.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// retentionOf reads retention.ms; 0 is for ever.
func retentionOf(millis string) time.Duration {
	n, err := strconv.ParseInt(millis, 10, 64)
	if err != nil || n < 0 || n > int64(290*365*24*time.Hour/time.Millisecond) {
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

func forHowLong(d time.Duration) string {
	switch {
	case d == 0:
		return "ever"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.String()
}
