package kafkalog

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// part is one Fetch call, and its partition's part of a request.
type part struct {
	topic     string
	partition int32
	offset    int64
	asked     int   // bytes that the caller asked for
	limit     int32 // stored bytes that the next request asks for; doubled if a batch is larger
	since     time.Time
	// emptyCallTime is how long the call keeps waiting for records.
	emptyCallTime time.Duration
	end           int64         // as last known
	throttled     time.Duration // so far
	abandoned     atomic.Bool   // its caller no longer waits
	answered      chan partAnswer
}

// partAnswer is the result of a part; found is nil if there is none.
type partAnswer struct {
	found *partResponse
	err   error
}

// request takes the parts for one request from those that wait. Each partition may appear
// once: two fetches of one partition take turns.
func (p *poller) request() []*part {
	type key struct {
		topic     string
		partition int32
	}
	taken := make(map[key]bool, len(p.waiting))
	ranks := map[string]int{}
	parts := make([]*part, 0, len(p.waiting))
	var rest []*part
	for _, f := range p.waiting {
		k := key{f.topic, f.partition}
		if taken[k] {
			rest = append(rest, f)
			continue
		}
		taken[k] = true
		parts = append(parts, f)
		if _, ok := ranks[f.topic]; !ok {
			ranks[f.topic] = len(ranks)
		}
	}
	p.waiting = rest
	// The broker fills its response in the order of the request. The part that waits
	// longest goes first, with its topic, so that every part is first after a while.
	slices.SortStableFunc(parts, func(a, b *part) int { return ranks[a.topic] - ranks[b.topic] })
	return parts
}

// send sends one request and hands out its answer. It reports whether the answer has
// records.
func (p *poller) send(on *connPool, parts []*part, wait time.Duration) bool {
	req := &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(wait / time.Millisecond),
		MinBytes:       1,
		MaxBytes:       answerBytes,
		IsolationLevel: readCommitted,
		SessionEpoch:   -1, // no session (KIP-227)
	}
	room := int64(answerBytes)
	for i, f := range parts {
		if i == 0 || f.topic != parts[i-1].topic {
			req.Topics = append(req.Topics, fetch.RequestTopic{Topic: f.topic, Partitions: make([]fetch.RequestPartition, 0, len(parts)-i)})
		}
		t := &req.Topics[len(req.Topics)-1]
		t.Partitions = append(t.Partitions, fetch.RequestPartition{
			Partition: f.partition, CurrentLeaderEpoch: -1, FetchOffset: f.offset, LogStartOffset: -1, PartitionMaxBytes: f.limit,
		})
		room -= int64(f.limit)
	}
	m, err := on.send(on.client.closed, fetchTimeout, &fetchRequest{Request: req, parts: parts})
	var res *fetchResponse
	if err == nil {
		res = m.(*fetchResponse)
		if res.ErrorCode != 0 {
			err = kafka.Error(res.ErrorCode)
		}
	}
	return p.handOut(parts, res, err, room >= 0)
}

// handOut answers the parts that have a result. The others keep waiting. roomy: the
// response's size limit left no records out.
func (p *poller) handOut(parts []*part, res *fetchResponse, err error, roomy bool) bool {
	var held time.Duration
	if err == nil {
		held = throttle(res)
	}
	var waitOn, ready []*part
	var answers []partAnswer
	brought := false
	now := time.Now()
	for i, f := range parts {
		if f.abandoned.Load() {
			continue
		}
		f.throttled += held
		a := partAnswer{err: err}
		if err == nil && res.found[i].known {
			a.found = &res.found[i]
		}
		switch {
		case err != nil:
		case a.found == nil && held > 0: // a throttled response names no partition
			if now.Sub(f.since) < throttledCallTime {
				waitOn = append(waitOn, f)
				continue
			}
		case a.found == nil && i > 0 && now.Sub(f.since) < throttledCallTime:
			// A broker may leave a partition out for lack of space. It goes first next
			// time.
			waitOn = append(waitOn, f)
			continue
		case a.found == nil:
			a.err = errors.New("the broker did not answer for this partition")
		case a.found.code != 0:
			a.err = kafka.Error(a.found.code)
		case a.found.brought, a.found.err != nil:
			brought = true
		case a.found.stable > f.offset && i > 0:
			// There are records, but others came first, or the first batch exceeds the
			// part's limit: the broker exceeds a limit only for the first part.
			f.end = a.found.stable
			if roomy {
				f.limit = min(2*f.limit, answerBytes)
			}
			brought = true
			waitOn = append(waitOn, f)
			continue
		case now.Sub(f.since) < f.emptyCallTime && a.found.stable >= 0:
			f.end = a.found.stable
			waitOn = append(waitOn, f)
			continue
		}
		ready, answers = append(ready, f), append(answers, a)
	}
	p.mu.Lock()
	if until := now.Add(held); held > 0 && until.After(p.throttledUntil) {
		p.throttledUntil = until
	}
	p.returning = max(0, p.returning) + len(ready)
	p.waiting = append(waitOn, p.waiting...)
	p.mu.Unlock()
	for i, f := range ready {
		f.answered <- answers[i]
	}
	return brought
}
