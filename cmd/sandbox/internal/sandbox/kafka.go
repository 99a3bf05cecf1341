package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topics are the service's topics and its group.
type topics struct {
	suffix, group, failed string
	answers               map[kind]string
}

// newTopics returns the default names with the suffix.
func newTopics(suffix string) topics {
	return topics{
		suffix: suffix, group: "remux-retrier" + suffix,
		failed: "remux.failed" + suffix,
		answers: map[kind]string{
			retried: "remux.retried" + suffix, retryFailed: "remux.retry_failed" + suffix, deadLetter: "remux.failed.dlq" + suffix,
			recovered: "remux.recovered" + suffix,
		},
	}
}

func (t topics) all() []string {
	return []string{t.failed, t.answers[retried], t.answers[retryFailed], t.answers[deadLetter], t.answers[recovered]}
}

// How long brokers have to answer, and the service to join its group. A real broker
// delays a new group for three seconds, to wait for more members.
const (
	reachable = 5 * time.Second
	joined    = 30 * time.Second
)

// client publishes failure events and reads the topics.
type client struct {
	*kgo.Client
	admin  *kadm.Client
	topics topics

	mu   sync.Mutex
	next map[string]map[int32]int64 // offsets that readTopics reads next
}

// connect connects to the brokers. It fails if none answers.
func connect(ctx context.Context, brokers []string, t topics) (*client, error) {
	c, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.ClientID("remux-retrier-sandbox"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(500*time.Millisecond), kgo.MetadataMinAge(250*time.Millisecond), kgo.ProducerLinger(0),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to Kafka at %s: %w", strings.Join(brokers, ","), err)
	}
	ctx, cancel := context.WithTimeout(ctx, reachable)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("no Kafka broker answers at %s: %w; is it running, and does that port speak plaintext?",
			strings.Join(brokers, ","), err)
	}
	return &client{Client: c, admin: kadm.NewClient(c), topics: t, next: map[string]map[int32]int64{}}, nil
}

// ready waits until the service has created its topics and joined its group.
func (c *client) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, joined)
	defer cancel()
	for {
		groups, err := c.admin.DescribeGroups(ctx, c.topics.group)
		if err == nil && groups[c.topics.group].State == "Stable" {
			return nil
		}
		if !wait(ctx, 50*time.Millisecond) {
			return fmt.Errorf("the service has not joined its group %s within %v", c.topics.group, joined)
		}
	}
}

// publish writes an event and waits for the acknowledgement.
func (c *client) publish(ctx context.Context, r *kgo.Record) error {
	r.Topic = c.topics.failed
	if err := c.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("publish a failure event: %w", err)
	}
	return nil
}

// readTopics reads all topics from their start until the context ends, and gives the
// records to the checker.
func (c *client) readTopics(ctx context.Context, checker *checker) {
	c.AddConsumeTopics(c.topics.all()...)
	kinds := map[string]kind{}
	for k, name := range c.topics.answers {
		kinds[name] = k
	}
	problem := ""
	for {
		fetches := c.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		fetches.EachError(func(topic string, _ int32, err error) {
			if text := fmt.Sprintf("reading %s: %v", topic, err); text != problem {
				problem = text
				checker.printer.print(yellow, "%s", text)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			if k, isAnswer := kinds[r.Topic]; !isAnswer {
				checker.addEvent(r)
			} else if a, err := read(k, r); err != nil {
				checker.problem("%v", err)
			} else {
				checker.addAnswer(a)
			}
			c.markRead(r)
		})
	}
}

func (c *client) markRead(r *kgo.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next[r.Topic] == nil {
		c.next[r.Topic] = map[int32]int64{}
	}
	c.next[r.Topic][r.Partition] = r.Offset + 1
}

// hasRead reports whether readTopics has reached these ends.
func (c *client) hasRead(ends kadm.ListedOffsets) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := true
	ends.Each(func(o kadm.ListedOffset) { all = all && c.next[o.Topic][o.Partition] >= o.Offset })
	return all
}

func read(k kind, r *kgo.Record) (*answer, error) {
	switch k {
	case deadLetter:
		return readDeadLetter(r)
	case recovered:
		return readRecovery(r)
	}
	return readOutcome(k, r)
}

// committed returns the group's offsets, by partition.
func (c *client) committed(ctx context.Context) (map[int32]int64, error) {
	responses, err := c.admin.FetchOffsetsForTopics(ctx, c.topics.group, c.topics.failed)
	if err == nil {
		err = responses.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the committed offsets of %s: %w", c.topics.group, err)
	}
	offsets := map[int32]int64{}
	responses.Each(func(r kadm.OffsetResponse) { offsets[r.Partition] = max(r.At, 0) })
	return offsets, nil
}

// ends returns the topics' ends for a reader of committed records.
func (c *client) ends(ctx context.Context, names ...string) (kadm.ListedOffsets, error) {
	ends, err := c.admin.ListCommittedOffsets(ctx, names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("read the ends of %s: %w", strings.Join(names, ", "), err)
	}
	return ends, nil
}

// uncommitted returns how many events the group has not committed.
func (c *client) uncommitted(ctx context.Context) (int64, error) {
	offsets, err := c.committed(ctx)
	if err != nil {
		return 0, err
	}
	ends, err := c.ends(ctx, c.topics.failed)
	if err != nil {
		return 0, err
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset - offsets[o.Partition] })
	return n, nil
}

// remove deletes the topics and the group. Their suffix makes sure that they are ours.
func (c *client) remove(ctx context.Context) error {
	deleted, err := c.admin.DeleteTopics(ctx, c.topics.all()...)
	if err == nil {
		err = deleted.Error()
	}
	group, errGroup := c.admin.DeleteGroup(ctx, c.topics.group)
	if errGroup == nil {
		errGroup = group.Err
	}
	if err := errors.Join(err, errGroup); err != nil {
		return fmt.Errorf("delete the sandbox's topics and group (%s, %s): %w", strings.Join(c.topics.all(), ", "), c.topics.group, err)
	}
	return nil
}
