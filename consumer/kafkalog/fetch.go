package kafkalog

import (
	"context"
	"fmt"
	"time"

	"remux-retrier/consumer"
)

// Fetch asks the partition's leader, in one request together with the other calls that wait
// for that broker.
func (l *Client) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	page, err := l.fetch(ctx, topic, partition, offset, maxBytes)
	if err != nil {
		if ctx.Err() == nil {
			l.fetchFailed.Store(time.Now().UnixMilli())
		}
		return consumer.Page{}, l.explain(fmt.Sprintf("fetch %s/%d at offset %d", topic, partition, offset), "READ on topic "+topic, err)
	}
	return page, nil
}

func (l *Client) fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	leader, err := l.leader(ctx, topic, partition)
	if err != nil {
		return consumer.Page{}, err
	}
	f := &part{
		topic: topic, partition: int32(partition), offset: offset, asked: maxBytes, limit: int32(min(maxBytes, answerBytes)),
		since: time.Now(), emptyCallTime: l.maxEmptyCall(), end: offset, answered: make(chan partAnswer, 1),
	}
	a, err := l.broker(leader).fetches.fetch(ctx, f)
	if err != nil {
		return consumer.Page{}, err
	}
	page := consumer.Page{Next: offset, End: f.end}
	if a.found != nil {
		page, err = a.found.page, a.found.err
	}
	page.Throttled = f.throttled
	return page, err
}

// maxEmptyCall is how long a call without records takes now. It is shorter after a failure: a
// caller learns only from an answer that fetching works again.
func (l *Client) maxEmptyCall() time.Duration {
	if time.Since(time.UnixMilli(l.fetchFailed.Load())) < afterFailure {
		return longFetchWait
	}
	return emptyCallTime
}
