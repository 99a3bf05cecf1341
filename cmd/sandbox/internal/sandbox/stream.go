package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"

	"remux-retrier/internal/mpcsim"
)

// How often events are sent, with --once and in the endless stream.
const (
	onceEvery   = 40 * time.Millisecond
	streamEvery = 500 * time.Millisecond
)

// longWait is how long an event waits before that is printed, and how often at most it
// is printed.
const longWait = 4 * time.Second

// pollEvery is how often the committed offsets are read.
const pollEvery = 250 * time.Millisecond

// sendAndAwait sends the events until all are answered, the context ends, or an error
// occurs.
func (s *sandbox) sendAndAwait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	sending := make(chan error, 1)
	workers.Go(func() { s.runSchedule(ctx) })
	workers.Go(func() { s.succeed(ctx) })
	if s.metrics != nil {
		workers.Go(func() { s.showStatus(ctx) })
	}
	workers.Go(func() { sending <- s.send(ctx) })
	return s.await(ctx, sending)
}

// send publishes the examples' events, one after the other.
func (s *sandbox) send(ctx context.Context) error {
	examples, every := s.examples, onceEvery
	if !s.opts.once {
		examples, every = stream(s.examples), streamEvery
	}
	for n := 0; n < len(examples) || !s.opts.once; n++ {
		next := examples[n%len(examples)]
		if n == 0 && !s.opts.once {
			next = alwaysFailing()
		}
		event := next.withTask(n)
		if err := event.prepare(s.mpc.Simulator); err != nil {
			return err
		}
		s.checker.expect(event)
		if err := s.publish(ctx, event); err != nil {
			return err
		}
		if !wait(ctx, every) {
			return nil
		}
	}
	return nil
}

// succeedAfter is how long a retried task takes to succeed.
const succeedAfter = 100 * time.Millisecond

// succeed publishes MPC's notifications of tasks that succeed after their retry.
func (s *sandbox) succeed(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-s.checker.successes:
			if !wait(ctx, succeedAfter) {
				return
			}
			err := s.mpc.SetTask(mpcsim.Task{ID: event.task, Status: mpcsim.StatusSucceed})
			if err == nil {
				err = s.publish(ctx, event)
			}
			if err != nil && ctx.Err() == nil {
				s.checker.problem("%v", err)
			}
		}
	}
}

// publish sends an event as its producer does. With --smn, MPC's notifications go
// through SMN.
func (s *sandbox) publish(ctx context.Context, event *sent) error {
	if s.smn != nil && event.notice != "" {
		return s.smn.send(ctx, event)
	}
	return s.client.publish(ctx, event.record())
}

// await waits until all events are answered. With --once it prints meanwhile how many events
// wait; otherwise showStatus does.
func (s *sandbox) await(ctx context.Context, sending <-chan error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	sent := false
	lastAnswer, remark := time.Now(), time.Now()
	for {
		now := s.checker.progress(longWait)
		if s.opts.once && sent && now.open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.service.ended:
			return s.serviceEnded()
		case err := <-sending:
			if err != nil && ctx.Err() == nil {
				return err
			}
			sent, sending = true, nil
		case <-now.changed:
			lastAnswer = time.Now()
		case <-tick.C:
			if s.opts.once && time.Since(lastAnswer) > s.answerTimeout() {
				return fmt.Errorf("%d events have no answer, and no answer has arrived for %v; the service logged last:\n%s", now.open, s.answerTimeout(), s.service.log)
			}
			// s.metrics is nil with --once. A single waiting event is normal: it backs off.
			if s.metrics == nil && now.waiting > 1 && time.Since(remark) >= longWait {
				remark = time.Now()
				s.printer.print(dim, "  %s  … %d events wait, the first for %v; latest request: %s",
					remark.Format(momentLayout), now.waiting, remark.Sub(now.oldest).Round(time.Second), now.lastRequest)
			}
		}
	}
}

// answerTimeout is how long --once waits for the next answer.
func (s *sandbox) answerTimeout() time.Duration {
	p := 20*time.Second + 10*timeout(s.opts)
	if s.opts.faults.PerMinute > 0 {
		p += 5 * time.Minute / time.Duration(s.opts.faults.PerMinute)
	}
	return p
}

// followCommits gives the group's committed offsets to the checker, after the answers
// that existed by then have been read.
func (s *sandbox) followCommits(ctx context.Context) {
	for wait(ctx, pollEvery) {
		offsets, err := s.client.committed(ctx)
		if err != nil {
			continue // retried soon
		}
		ends, err := s.client.ends(ctx, s.topics.all()...)
		if err != nil {
			continue
		}
		for !s.client.hasRead(ends) {
			if !wait(ctx, pollEvery) {
				return
			}
		}
		s.checker.setCommitted(offsets)
	}
}
