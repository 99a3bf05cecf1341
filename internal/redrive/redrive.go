// Package redrive puts dead letters back to the failed topic: key, value and
// headers as they came, and of what the service had added only the count of how
// often they became dead letters.
//
// Its memory is the committed offsets of a consumer group of its own, see
// progress.go. A record is put back before its offset is committed, so one that
// is interrupted goes on where it left off; only what was written and not yet
// committed when the process was killed is written twice. Being members of a
// group, several redrives at a time share the partitions, and none does another's
// work.
//
// It reads no failure event and knows no task. Only package command imports it.
//
//	redrive.go  the run: generations of the group, partition by partition
//	batch.go    some dead letters: which are put back, and when that is committed
//	writer.go   writing and committing, for as long as it takes
//	filter.go   which dead letters are meant
//	progress.go what a commit says
package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/scan"
)

// Log is what a redrive asks of Kafka, as a member of its own group that consumes
// the dead-letter topic.
type Log interface {
	consumer.Client
	scan.Log
}

// Config of a Redriver. All fields but Filter, Limit, Rate and Hopeless are
// required.
type Config struct {
	Log                Log
	DeadLetter, Failed string // topics
	Filter             Filter
	// Limit ends the run after so many records were put back; 0: none.
	Limit int
	// Rate is how many are put back a second at most; 0: as many as it can.
	Rate float64
	// Hopeless tells the errors that no other answer follows before somebody acts,
	// such as a missing right: they end the run. Nil: there are none.
	Hopeless func(error) bool

	Clock clock.Clock
	Rand  func() float64
	// Tell is told what happens, from one goroutine.
	Tell Listener
}

// Listener is told what happens.
type Listener interface {
	// Meant: the record is put back, or would be in a dry run.
	Meant(r *consumer.Record)
	// Left: the record stays where it is, and why.
	Left(r *consumer.Record, why string)
	// Progress: the totals have changed.
	Progress(t Totals)
	// Trouble: Kafka does not do as it should, and it is tried again; empty: it
	// does again.
	Trouble(text string)
}

// Totals are the counts of one run.
type Totals struct {
	// Read of Of offsets are behind.
	Read, Of int64
	// Redriven were put back, Left stay with a reason, Others are not meant by the
	// filter, Before were put back by an earlier run with a filter.
	Redriven, Left, Others, Before int
	// LimitReached: Limit has ended the run.
	LimitReached bool
}

// Redriver is one run.
type Redriver struct {
	cfg     Config
	totals  Totals
	spans   []consumer.Interval // as of the start: its own output is beyond
	counted []int64             // up to where, by partition
}

// New makes a Redriver.
func New(cfg Config) (*Redriver, error) {
	switch {
	case cfg.Log == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Tell == nil || cfg.DeadLetter == "" || cfg.Failed == "":
		return nil, errors.New("redrive: Log, the topics, Clock, Rand and Tell are required")
	case cfg.Limit < 0 || cfg.Rate < 0:
		return nil, errors.New("redrive: Limit and Rate must not be negative")
	}
	return &Redriver{cfg: cfg}, nil
}

var (
	errEnded = errors.New("this generation of the group has ended")
	errLimit = errors.New("the limit is reached")
)

// leaveWithin bounds saying goodbye to the group.
const leaveWithin = 5 * time.Second

// Run puts dead letters back until those are done that were there when it began,
// the limit is reached, or the context ends. Brokers that go away meanwhile are
// waited for.
func (r *Redriver) Run(ctx context.Context) (Totals, error) {
	defer r.leave(ctx)
	if err := r.begin(ctx); err != nil {
		return r.totals, err
	}
	wait := r.patience()
	for {
		gen, err := r.join(ctx)
		if err == nil {
			r.cfg.Tell.Trouble("")
			err = r.generation(ctx, gen)
			gen.Release()
		}
		switch {
		case err == nil:
			return r.totals, nil
		case errors.Is(err, errLimit):
			r.totals.LimitReached = true
			return r.totals, nil
		case ctx.Err() != nil:
			return r.totals, context.Cause(ctx)
		case errors.As(err, new(fatal)), r.hopeless(err):
			return r.totals, err
		case !errors.Is(err, errEnded):
			r.cfg.Tell.Trouble(err.Error())
			if err := r.cfg.Clock.Sleep(ctx, wait.Next()); err != nil {
				return r.totals, err
			}
		}
	}
}

// joinsWithin is how long joining takes while no member is missing: brokers wait
// some seconds for others.
const joinsWithin = 5 * time.Second

// join joins the group, and says why that takes long.
func (r *Redriver) join(ctx context.Context) (gen consumer.Generation, err error) {
	joined := make(chan struct{})
	r.cfg.Clock.Go(func() {
		defer close(joined)
		gen, err = r.cfg.Log.Join(ctx)
	})
	soon, cancel := clock.WithTimeout(ctx, r.cfg.Clock, joinsWithin)
	defer cancel()
	if r.cfg.Clock.Wait(soon, joined) != nil && ctx.Err() == nil {
		r.cfg.Tell.Trouble("for the place of a redrive that was killed, up to KAFKA_SESSION_TIMEOUT")
	}
	_ = r.cfg.Clock.Wait(context.WithoutCancel(ctx), joined) // Join ends with ctx
	return gen, err
}

// Dry tells what Run would do from these positions of the group, and changes
// nothing.
func (r *Redriver) Dry(ctx context.Context, positions map[int]consumer.Position) (Totals, error) {
	if err := r.begin(ctx); err != nil {
		return r.totals, err
	}
	for p := range r.spans {
		switch err := r.partition(ctx, p, positions, dry{}); {
		case errors.Is(err, errLimit):
			r.totals.LimitReached = true
			return r.totals, nil
		case err != nil:
			return r.totals, err
		}
	}
	return r.totals, nil
}

// fatal is an error that trying again does not mend.
type fatal struct{ error }

func (r *Redriver) hopeless(err error) bool { return r.cfg.Hopeless != nil && r.cfg.Hopeless(err) }

func (r *Redriver) patience() *backoff.Backoff {
	return &backoff.Backoff{Base: 200 * time.Millisecond, Max: 5 * time.Second, Rand: r.cfg.Rand}
}

func (r *Redriver) leave(ctx context.Context) {
	ctx, cancel := clock.WithTimeout(context.WithoutCancel(ctx), r.cfg.Clock, leaveWithin)
	defer cancel()
	_ = r.cfg.Log.Leave(ctx) // the session time-out does it too
}

// begin notes what there is to do.
func (r *Redriver) begin(ctx context.Context) error {
	n, err := r.cfg.Log.Partitions(ctx, r.cfg.DeadLetter)
	if err != nil {
		return err
	}
	if r.spans, err = r.cfg.Log.Span(ctx, r.cfg.DeadLetter, n, time.Time{}); err != nil {
		return err
	}
	r.counted = make([]int64, n)
	for p, s := range r.spans {
		r.counted[p] = s.From
		r.totals.Of += s.To - s.From
	}
	return nil
}

// generation works on the partitions of one generation, one after the other.
func (r *Redriver) generation(ctx context.Context, gen consumer.Generation) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cfg.Clock.Go(func() {
		if r.cfg.Clock.Wait(ctx, gen.Ended()) == nil {
			cancel(errEnded)
		}
	})
	positions, err := gen.Committed(ctx)
	if err != nil {
		return err
	}
	for _, p := range gen.Assigned() {
		if p >= len(r.spans) {
			continue // added since: what is in it came after the start
		}
		if err := r.partition(ctx, p, positions, writer{r, gen}); err != nil {
			return err
		}
	}
	return nil
}

// partition works on one partition from where the group has left off.
func (r *Redriver) partition(ctx context.Context, p int, positions map[int]consumer.Position, to sink) error {
	span := r.spans[p]
	done, err := parseProgress(positions[p].Metadata)
	if err != nil {
		return fatal{fmt.Errorf("partition %d of %s: %w; it was written by another program or version: reset the offsets of this group", p, r.cfg.DeadLetter, err)}
	}
	at, known := positions[p]
	switch {
	case !known:
		done.low = span.From
	case at.Offset > span.To:
		// Another run that began later may have come further.
		now, err := r.cfg.Log.Span(ctx, r.cfg.DeadLetter, len(r.spans), time.Time{})
		if err != nil {
			return err
		}
		if at.Offset <= now[p].To {
			r.count(p, span.To)
			return nil
		}
		r.cfg.Tell.Trouble(fmt.Sprintf("partition %d of %s ends at %d, before %d, up to where it was redriven: it was deleted and created again, and is read from its start", p, r.cfg.DeadLetter, span.To, at.Offset))
		done = progress{low: span.From}
	default:
		done.low = max(at.Offset, span.From)
	}
	from := min(done.from(r.cfg.Filter), span.To)
	r.count(p, from)
	b := &batch{r: r, to: to, partition: p, done: done}
	return scan.Partition(ctx, r.cfg.Log, r.cfg.DeadLetter, p, consumer.Interval{From: from, To: span.To}, func(page consumer.Page) error {
		return b.page(ctx, page)
	})
}

// count notes how far a partition is done; a part that another generation reads
// again is not counted twice.
func (r *Redriver) count(p int, next int64) {
	if next > r.counted[p] {
		r.totals.Read += next - r.counted[p]
		r.counted[p] = next
	}
	r.cfg.Tell.Progress(r.totals)
}
