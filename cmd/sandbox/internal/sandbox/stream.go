package sandbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// How fast events are sent: a round at once, or a gentle stream.
const (
	onceEvery   = 40 * time.Millisecond
	streamEvery = 500 * time.Millisecond
)

// An event that waits longer than longWait is worth a remark, which is made as
// often at most.
const longWait = 4 * time.Second

// pollEvery is how often the committed offsets are looked at.
const pollEvery = 250 * time.Millisecond

// run sends the events until the play is over: everything is answered, the
// context ends, or something has gone wrong.
func (s *sandbox) run(ctx context.Context) error {
	ctx, over := context.WithCancel(ctx)
	var actors sync.WaitGroup
	defer actors.Wait()
	defer over()
	sending := make(chan error, 1)
	actors.Go(func() { s.misbehave(ctx) })
	if s.meter != nil {
		actors.Go(func() { s.report(ctx) })
	}
	actors.Go(func() { sending <- s.send(ctx) })
	return s.await(ctx, sending)
}

// send publishes the scenes' events, one after the other.
func (s *sandbox) send(ctx context.Context) error {
	scenes, every := s.scenes, onceEvery
	if !s.opts.once {
		scenes, every = stream(s.scenes), streamEvery
	}
	for n := 0; n < len(scenes) || !s.opts.once; n++ {
		next := scenes[n%len(scenes)]
		if n == 0 && !s.opts.once {
			next = cursed()
		}
		event := next.cast(n)
		if err := event.prepare(s.mpc.Simulator); err != nil {
			return err
		}
		s.board.expect(event)
		if err := s.publish(ctx, event); err != nil {
			return err
		}
		if !wait(ctx, every) {
			return nil
		}
	}
	return nil
}

// publish sends an event as its producer would; with --smn, MPC's notifications go
// through SMN.
func (s *sandbox) publish(ctx context.Context, event *sent) error {
	if s.smn != nil && event.notice != "" {
		return s.smn.send(ctx, event)
	}
	return s.client.publish(ctx, event.record())
}

// await waits for the end of the play, and says meanwhile that events wait.
func (s *sandbox) await(ctx context.Context, sending <-chan error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	sent := false
	progress, remark := time.Now(), time.Now()
	for {
		now := s.board.state(longWait)
		if s.opts.once && sent && now.open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.service.ended:
			return s.deserted()
		case err := <-sending:
			if err != nil && ctx.Err() == nil {
				return err
			}
			sent, sending = true, nil
		case <-now.changed:
			progress = time.Now()
		case <-tick.C:
			if s.opts.once && time.Since(progress) > s.patience() {
				return fmt.Errorf("%d events are still without an answer, and none has come for %v; the service logged last:\n%s", now.open, s.patience(), s.service.log)
			}
			// One alone is the cursed task, which its line will explain.
			if s.meter == nil && now.waiting > 1 && time.Since(remark) >= longWait {
				remark = time.Now()
				s.paper.say(dim, "  %s  … %d events wait, the first for %v; MPC's latest: %s",
					remark.Format(clockLayout), now.waiting, remark.Sub(now.oldest).Round(time.Second), now.news)
			}
		}
	}
}

// patience is how long --once waits for the next answer.
func (s *sandbox) patience() time.Duration {
	p := 20*time.Second + 10*timeout(s.opts)
	if s.opts.faults.PerMinute > 0 {
		p += 5 * time.Minute / time.Duration(s.opts.faults.PerMinute)
	}
	return p
}

// follow tells the board what the group commits, as soon as all answers have
// been read that were there by then.
func (s *sandbox) follow(ctx context.Context) {
	for wait(ctx, pollEvery) {
		offsets, err := s.client.committed(ctx)
		if err != nil {
			continue // asked again soon
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
		s.board.committed(offsets)
	}
}
