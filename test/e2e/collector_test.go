//go:build kafka

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outcome is an outcome as a subscriber reads it.
type outcome struct {
	record  *kgo.Record
	headers map[string]string

	TaskID      string `json:"task_id"`
	Outcome     string `json:"outcome"`
	Reason      string `json:"reason"`
	Message     string `json:"message"`
	Retries     int    `json:"retries"`
	Attempts    int    `json:"attempts"`
	FailedEvent struct {
		Topic     string    `json:"topic"`
		Partition int32     `json:"partition"`
		Offset    int64     `json:"offset"`
		Timestamp time.Time `json:"timestamp"`
		ID        string    `json:"id"`
	} `json:"failed_event"`
	Failure *struct {
		Code        string `json:"error_code"`
		Description string `json:"description"`
	} `json:"failure"`
	Error *struct {
		Status    int    `json:"status"`
		Code      string `json:"error_code"`
		Message   string `json:"error_msg"`
		RequestID string `json:"request_id"`
	} `json:"error"`
	DecidedAt time.Time `json:"decided_at"`
}

// location returns where the answered event is.
func (o *outcome) location() location {
	return location{o.FailedEvent.Partition, o.FailedEvent.Offset, o.FailedEvent.Timestamp.UnixMilli()}
}

// foreignHeader marks records that a test, not the service, wrote to an outcome
// topic. The collector ignores them.
const foreignHeader = "e2e-foreign"

// collector reads the outcome topics and the dead letters of a rig from their
// beginning. Of repeated answers the first one counts, as for subscribers.
type collector struct {
	r    *rig
	done chan struct{}

	mu       sync.Mutex
	outcomes map[location]*outcome
	letters  map[location]*kgo.Record
	ids      map[string]location // by ce_id, the event that it answers
	repeats  []string
	repeated []*outcome // the outcomes among the repeats
	wrong    []string
	read     map[string]map[int32]int64 // topic → partition → next offset
}

func collect(r *rig) *collector {
	c := &collector{
		r: r, done: make(chan struct{}),
		outcomes: map[location]*outcome{}, letters: map[location]*kgo.Record{}, ids: map[string]location{},
		read: map[string]map[int32]int64{r.retried: {}, r.retryFailed: {}, r.deadLetter: {}},
	}
	client := r.newClient(
		kgo.ConsumeTopics(r.retried, r.retryFailed, r.deadLetter),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(200*time.Millisecond),
	)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			client.PollFetches(ctx).EachRecord(c.take)
		}
	}()
	r.t.Cleanup(func() { cancel(); <-c.done })
	return c
}

func (c *collector) take(rec *kgo.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read[rec.Topic][rec.Partition] = rec.Offset + 1
	if rec.Topic == c.r.deadLetter {
		at, err := letterLocation(rec)
		if err != nil {
			c.wrong = append(c.wrong, fmt.Sprintf("dead letter at %d/%d: %v", rec.Partition, rec.Offset, err))
			return
		}
		if _, known := c.letters[at]; known {
			c.repeats = append(c.repeats, fmt.Sprintf("dead letter of %+v", at))
			return
		}
		c.letters[at] = rec
		return
	}
	o := &outcome{record: rec, headers: headersOf(rec)}
	if _, marked := o.headers[foreignHeader]; marked {
		return
	}
	if err := json.Unmarshal(rec.Value, o); err != nil {
		c.wrong = append(c.wrong, fmt.Sprintf("outcome at %s %d/%d: %v: %s", rec.Topic, rec.Partition, rec.Offset, err, rec.Value))
		return
	}
	at := o.location()
	id := o.headers["ce_id"]
	if id == "" {
		c.wrong = append(c.wrong, fmt.Sprintf("the outcome of %+v has no ce_id", at))
	} else if other, known := c.ids[id]; known && other != at {
		c.wrong = append(c.wrong, fmt.Sprintf("ce_id %q is used for %+v and for %+v", id, other, at))
	}
	first, known := c.outcomes[at]
	switch {
	case !known:
		c.ids[id], c.outcomes[at] = at, o
	case first.headers["ce_id"] != id:
		c.wrong = append(c.wrong, fmt.Sprintf("the outcomes of %+v have the ids %q and %q", at, first.headers["ce_id"], id))
	case first.Outcome != o.Outcome:
		c.wrong = append(c.wrong, fmt.Sprintf("the outcomes of %+v contradict each other: %s, %s", at, first.Reason, o.Reason))
	default:
		c.repeats = append(c.repeats, fmt.Sprintf("outcome of %+v: %s, %s", at, first.Reason, o.Reason))
		c.repeated = append(c.repeated, o)
	}
}

func headersOf(rec *kgo.Record) map[string]string {
	all := map[string]string{}
	for _, h := range rec.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

func letterLocation(rec *kgo.Record) (at location, err error) {
	h := headersOf(rec)
	partition, err := strconv.ParseInt(h["dead-letter-partition"], 10, 32)
	if err != nil {
		return at, err
	}
	offset, err := strconv.ParseInt(h["dead-letter-offset"], 10, 64)
	if err != nil {
		return at, err
	}
	when, err := time.Parse(time.RFC3339Nano, h["dead-letter-timestamp"])
	return location{int32(partition), offset, when.UnixMilli()}, err
}

// of returns the outcome of an event, nil if there is none yet.
func (c *collector) of(rec *kgo.Record) *outcome {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outcomes[locationOf(rec)]
}

// letter returns the dead letter of an event, nil if there is none yet.
func (c *collector) letter(rec *kgo.Record) *kgo.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.letters[locationOf(rec)]
}

// count returns how many events have an outcome or a dead letter.
func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.outcomes) + len(c.letters)
}

// reasons counts the outcomes by their reason.
func (c *collector) reasons() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := map[string]int{}
	for _, o := range c.outcomes {
		n[o.Reason]++
	}
	return n
}
