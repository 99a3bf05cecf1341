package history

import (
	"context"
	"time"

	"remux-retrier/consumer"
)

// section is the part of a partition that must be read.
type section struct {
	topic     string
	partition int
	consumer.Interval
}

// positionsTimeout is how long the group's coordinator may take to return the committed
// offsets. They are useful but not required, so they must not use up the time for reading.
const positionsTimeout = 2 * time.Second

// positions returns what the group has committed for the failed topic. They are fetched
// before the topics' ends, so that the outcomes of all events below them are read. If they
// cannot be fetched, only the window decides what is read.
func (r *Reader) positions(ctx context.Context) map[int]consumer.Position {
	ctx, cancel := context.WithTimeout(ctx, positionsTimeout)
	defer cancel()
	positions, err := r.cfg.Positions(ctx)
	if err != nil {
		return nil
	}
	return positions
}

// planEvents returns the sections of the dead-letter and the failed topic: all partitions,
// because producers may choose any. They cover the window, and in the failed topic also older
// events that the group has not committed. since is the time from which on outcomes must be
// read to have those of all these events.
func (t *reading) planEvents(ctx context.Context) (todo []section, since time.Time, err error) {
	kafka, since := t.r.cfg.Kafka, t.since
	positions := t.r.positions(ctx)
	for _, topic := range []string{t.r.cfg.DeadLetter, t.r.cfg.Failed} {
		n, err := kafka.Partitions(ctx, topic)
		if t.refused(topic, err) {
			continue
		}
		if err != nil {
			return nil, since, err
		}
		spans, err := kafka.Span(ctx, topic, n, t.since)
		if t.refused(topic, err) {
			continue
		}
		if err != nil {
			return nil, since, err
		}
		likely, err := kafka.PartitionFor(ctx, topic, []byte(t.id))
		if err != nil {
			return nil, since, err
		}
		t.brokersAnswered()
		for i := range n { // the likeliest first: the limit may end the reading
			s := section{topic, (likely + i) % n, spans[(likely+i)%n]}
			at, known := positions[s.partition]
			if topic == t.r.cfg.Failed && known && at.Offset <= s.To { // else the topic was recreated
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

// earliest returns since, or an earlier time if events above the position may have been
// answered before since.
func earliest(since time.Time, at consumer.Position) time.Time {
	metadata, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
	if err != nil || metadata.Since.IsZero() || metadata.Since.After(since) {
		return since
	}
	return metadata.Since
}

func (t *reading) outcomeTopics() []string { return []string{t.r.cfg.Retried, t.r.cfg.RetryFailed} }

// planOutcomes returns the sections of outcome topics and of the topic of recoveries: one
// partition of each, which the task's id determines.
func (t *reading) planOutcomes(ctx context.Context, since time.Time, topics []string) (todo []section, err error) {
	for _, topic := range topics {
		p, err := t.r.cfg.Kafka.PartitionFor(ctx, topic, []byte(t.id))
		if err != nil {
			return nil, err
		}
		spans, err := t.r.cfg.Kafka.Span(ctx, topic, p+1, since)
		if err != nil {
			return nil, err
		}
		t.brokersAnswered()
		todo = append(todo, section{topic, p, spans[p]})
	}
	return todo, nil
}
