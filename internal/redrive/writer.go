package redrive

import (
	"context"
	"errors"
	"fmt"

	"remux-retrier/consumer"
)

// writer is a sink for one generation.
type writer struct {
	r   *Redriver
	gen consumer.Generation
}

// write writes the messages, grouped by partition of the failed topic. Each one goes back
// to its original partition, because the producer may have used another hash of the key,
// and all events of a task should be in one partition. If that partition no longer exists,
// the key's hash chooses one. The results are those of sink.write.
func (w writer) write(ctx context.Context, messages []message) (refused map[int]error, done int, err error) {
	l := &delivery{kafka: w.r.cfg.Kafka, messages: messages, done: make([]bool, len(messages)), refused: map[int]error{}}
	groups, order := map[int][]int{}, []int(nil)
	if len(messages) == 0 {
		return nil, 0, nil
	}
	partitions, err := l.kafka.Partitions(ctx, w.r.cfg.Failed)
	if err != nil {
		return nil, 0, err
	}
	for i, m := range messages {
		p := m.partition
		if p >= partitions {
			if p, err = l.kafka.PartitionFor(ctx, m.Topic, m.Key); err != nil {
				return nil, 0, err
			}
		}
		if groups[p] == nil {
			order = append(order, p)
		}
		groups[p] = append(groups[p], i)
	}
	for _, p := range order {
		if err = w.retry(ctx, func(ctx context.Context) error { return l.produce(ctx, p, groups[p]) }); err != nil {
			break
		}
	}
	for done < len(messages) && l.done[done] {
		done++
	}
	return l.refused, done, err
}

// delivery has messages, and which of them are done: written, or refused for good.
type delivery struct {
	kafka    consumer.Client
	messages []message
	done     []bool
	refused  map[int]error
}

// produce writes messages to one partition. If the topic refuses a batch, it writes both
// halves, so that one refused message does not hold up the others.
func (l *delivery) produce(ctx context.Context, partition int, which []int) error {
	var some []consumer.Message
	for _, i := range which {
		if !l.done[i] {
			some = append(some, l.messages[i].Message)
		}
	}
	if len(some) == 0 {
		return nil
	}
	_, err := l.kafka.Produce(ctx, some[0].Topic, partition, some)
	final := errors.Is(err, consumer.ErrTooLarge) || errors.Is(err, consumer.ErrInvalidRecord)
	switch {
	case final && len(which) > 1:
		middle := len(which) / 2
		if err := l.produce(ctx, partition, which[:middle]); err != nil {
			return err
		}
		return l.produce(ctx, partition, which[middle:])
	case final:
		l.refused[which[0]] = err
	case err != nil:
		return err
	}
	for _, i := range which {
		l.done[i] = true
	}
	return nil
}

func (w writer) commit(ctx context.Context, p int, at consumer.Position) error {
	return w.retry(ctx, func(ctx context.Context) error {
		return w.gen.Commit(ctx, map[int]consumer.Position{p: at})
	})
}

// retry calls f until it succeeds, its error is permanent, the generation has ended, or
// grace has passed since the run was told to stop.
func (w writer) retry(ctx context.Context, f func(context.Context) error) error {
	lasting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	c := w.r.cfg.Clock
	stop := context.AfterFunc(ctx, func() {
		if c.Sleep(lasting, grace) == nil {
			cancel(context.Cause(ctx))
		}
	})
	defer stop()
	wait := w.r.newBackoff()
	for {
		err := f(lasting)
		switch {
		case err == nil:
			w.r.cfg.Listener.Problem("")
			return nil
		case errors.Is(err, consumer.ErrNotOwner):
			return fmt.Errorf("%w: %w", errEnded, err)
		case lasting.Err() != nil:
			return context.Cause(lasting)
		case w.r.permanent(err):
			return fatal{err}
		}
		w.r.cfg.Listener.Problem(err.Error())
		if err := c.Sleep(lasting, wait.Next()); err != nil {
			return err
		}
	}
}
