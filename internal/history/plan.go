package history

import (
	"context"
	"time"

	"remux-retrier/consumer"
)

// stretch is what is to be read of one partition.
type stretch struct {
	topic     string
	partition int
	consumer.Interval
}

// positionsWithin is how long the group's coordinator may take to say how far the
// group has come. It is a help, and must not use up the time for the reading.
const positionsWithin = 2 * time.Second

// positions are what the group has committed for the failed topic. They are asked
// for before the topics are: what stands below them has its outcome there by then.
// Where they cannot be known the window alone says what is read.
func (r *Reader) positions(ctx context.Context) map[int]consumer.Position {
	ctx, cancel := context.WithTimeout(ctx, positionsWithin)
	defer cancel()
	at, err := r.cfg.Positions(ctx)
	if err != nil {
		return nil
	}
	return at
}

// asked is what is to be read of the dead-letter and the failed topic: all of them,
// since their producers are not ours. Of the failed topic that is the window, and
// what waits, however old. since is how far back the answers to that may stand.
func (t *telling) asked(ctx context.Context) (todo []stretch, since time.Time, err error) {
	log, since := t.r.cfg.Log, t.since
	positions := t.r.positions(ctx)
	for _, topic := range []string{t.r.cfg.DeadLetter, t.r.cfg.Failed} {
		n, err := log.Partitions(ctx, topic)
		if t.refused(topic, err) {
			continue
		}
		if err != nil {
			return nil, since, err
		}
		spans, err := log.Span(ctx, topic, n, t.since)
		if t.refused(topic, err) {
			continue
		}
		if err != nil {
			return nil, since, err
		}
		likely, err := log.PartitionFor(ctx, topic, []byte(t.id))
		if err != nil {
			return nil, since, err
		}
		t.heard()
		for i := range n { // the likeliest first, for the limit may end the reading
			s := stretch{topic, (likely + i) % n, spans[(likely+i)%n]}
			at, known := positions[s.partition]
			if topic == t.r.cfg.Failed && known && at.Offset <= s.To { // else it is of another log
				t.committed[s.partition] = at.Offset
				if at.Offset < s.From {
					s.From, since = at.Offset, earliest(since, at)
				}
			}
			todo = append(todo, s)
		}
	}
	return todo, since, nil
}

// earliest is since, or earlier where events above the position may have been
// answered earlier.
func earliest(since time.Time, at consumer.Position) time.Time {
	mark, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
	if err != nil || mark.Since.IsZero() || mark.Since.After(since) {
		return since
	}
	return mark.Since
}

// outcomes is what is to be read of the outcome topics: one partition of each,
// chosen by the task's id.
func (t *telling) outcomes(ctx context.Context, since time.Time) (todo []stretch, err error) {
	for _, topic := range []string{t.r.cfg.Retried, t.r.cfg.RetryFailed} {
		p, err := t.r.cfg.Log.PartitionFor(ctx, topic, []byte(t.id))
		if err != nil {
			return nil, err
		}
		spans, err := t.r.cfg.Log.Span(ctx, topic, p+1, since)
		if err != nil {
			return nil, err
		}
		t.heard()
		todo = append(todo, stretch{topic, p, spans[p]})
	}
	return todo, nil
}
