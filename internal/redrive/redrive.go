// Package redrive puts dead letters back to the failed topic: with their original key,
// value and headers, and one header of the service, the count of how often they became
// dead letters.
//
// It keeps its progress in the committed offsets of its own consumer group, see
// progress.go. A record is put back before its offset is committed, so an interrupted run
// is continued by the next one. After a kill, only records that were written and not yet
// committed are written twice. Several redrives at the same time share the partitions as
// members of the group.
//
// It does not parse failure events. Only package command imports it.
//
//	redrive.go   the run: generations of the group, partition by partition
//	batch.go     some dead letters: which are put back, and when that is committed
//	writer.go    writes and commits, with retries
//	filter.go    selects dead letters
//	progress.go  the contents of a commit
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

// Kafka is the Kafka client of a redrive, as a member of its own group, which consumes the
// dead-letter topic.
type Kafka interface {
	consumer.Client
	scan.Kafka
}

// Config of a Redriver. All fields but Filter, Limit, Rate and Permanent are required.
type Config struct {
	Kafka              Kafka
	DeadLetter, Failed string // topics
	Filter             Filter
	// Limit is how many records the run puts back at most; 0: no limit.
	Limit int
	// Rate is how many records are put back a second at most; 0: no limit.
	Rate float64
	// Permanent reports whether an error remains until an operator acts, such as a missing
	// right. Such an error ends the run. Defaults to nil: no error is permanent.
	Permanent func(error) bool

	Clock clock.Clock
	Rand  func() float64
	// Listener is called from one goroutine.
	Listener Listener
}

// Listener receives the progress of a run.
type Listener interface {
	// Selected: the record was put back, or would be in a dry run.
	Selected(r *consumer.Record)
	// Skipped: the record was not put back, and why.
	Skipped(r *consumer.Record, why string)
	// Progress: the totals have changed.
	Progress(t Totals)
	// Problem: an operation of Kafka fails and is retried, or joining the group takes long.
	// Empty: the problem is over.
	Problem(text string)
	// Notice is something to know that nothing waits for.
	Notice(text string)
}

// Totals are the counts of one run.
type Totals struct {
	// Read is the number of offsets that are done, Of the number of all offsets that the
	// topic had when the run began.
	Read, Of int64
	// Redriven records were put back, Skipped were not, with a reason, Others are not
	// selected by the filter, Before were put back by an earlier run with a filter.
	Redriven, Skipped, Others, Before int
	// LimitReached: the run ended at Limit.
	LimitReached bool
}

// Redriver is one run.
type Redriver struct {
	cfg     Config
	totals  Totals
	spans   []consumer.Interval // at the start, so without dead letters that it causes
	counted []int64             // up to which offset, by partition
}

// New makes a Redriver.
func New(cfg Config) (*Redriver, error) {
	switch {
	case cfg.Kafka == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Listener == nil || cfg.DeadLetter == "" || cfg.Failed == "":
		return nil, errors.New("redrive: Kafka, the topics, Clock, Rand and Listener are required")
	case cfg.Limit < 0 || cfg.Rate < 0:
		return nil, errors.New("redrive: Limit and Rate must not be negative")
	}
	return &Redriver{cfg: cfg}, nil
}

var (
	errEnded = errors.New("this generation of the group has ended")
	errLimit = errors.New("the limit is reached")
)

// leaveWithin bounds leaving the group.
const leaveWithin = 5 * time.Second

// Run puts back the dead letters that exist when it begins, until all are done, the limit
// is reached, or the context ends. While brokers are away it waits.
func (r *Redriver) Run(ctx context.Context) (Totals, error) {
	defer r.leave(ctx)
	if err := r.begin(ctx); err != nil {
		return r.totals, err
	}
	wait := r.newBackoff()
	for {
		gen, err := r.join(ctx)
		if err == nil {
			r.cfg.Listener.Problem("")
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
		case errors.As(err, new(fatal)), r.permanent(err):
			return r.totals, err
		case !errors.Is(err, errEnded):
			r.cfg.Listener.Problem(err.Error())
			if err := r.cfg.Clock.Sleep(ctx, wait.Next()); err != nil {
				return r.totals, err
			}
		}
	}
}

// joinsWithin is how long joining usually takes: brokers wait some seconds for other
// members.
const joinsWithin = 5 * time.Second

// join joins the group. If that takes long, it reports why.
func (r *Redriver) join(ctx context.Context) (gen consumer.Generation, err error) {
	joined := make(chan struct{})
	r.cfg.Clock.Go(func() {
		defer close(joined)
		gen, err = r.cfg.Kafka.Join(ctx)
	})
	soon, cancel := clock.WithTimeout(ctx, r.cfg.Clock, joinsWithin)
	defer cancel()
	if r.cfg.Clock.Wait(soon, joined) != nil && ctx.Err() == nil {
		r.cfg.Listener.Problem("for the session of a killed redrive to time out, up to KAFKA_SESSION_TIMEOUT")
	}
	_ = r.cfg.Clock.Wait(context.WithoutCancel(ctx), joined) // Join ends with ctx
	return gen, err
}

// Dry reports what Run would do from these positions of the group, and changes nothing.
func (r *Redriver) Dry(ctx context.Context, positions map[int]consumer.Position) (Totals, error) {
	if err := r.begin(ctx); err != nil {
		return r.totals, err
	}
	for p := range r.spans {
		switch err := r.partition(ctx, p, positions, dryRun{}); {
		case errors.Is(err, errLimit):
			r.totals.LimitReached = true
			return r.totals, nil
		case err != nil:
			return r.totals, err
		}
	}
	return r.totals, nil
}

// fatal is an error that is not retried.
type fatal struct{ error }

func (r *Redriver) permanent(err error) bool { return r.cfg.Permanent != nil && r.cfg.Permanent(err) }

func (r *Redriver) newBackoff() *backoff.Backoff {
	return &backoff.Backoff{Base: 200 * time.Millisecond, Max: 5 * time.Second, Rand: r.cfg.Rand}
}

func (r *Redriver) leave(ctx context.Context) {
	ctx, cancel := clock.WithTimeout(context.WithoutCancel(ctx), r.cfg.Clock, leaveWithin)
	defer cancel()
	_ = r.cfg.Kafka.Leave(ctx) // otherwise the session times out
}

// begin reads the topic's beginnings and ends.
func (r *Redriver) begin(ctx context.Context) error {
	n, err := r.cfg.Kafka.Partitions(ctx, r.cfg.DeadLetter)
	if err != nil {
		return err
	}
	if r.spans, err = r.cfg.Kafka.Span(ctx, r.cfg.DeadLetter, n, time.Time{}); err != nil {
		return err
	}
	r.counted = make([]int64, n)
	for p, s := range r.spans {
		r.counted[p] = s.From
		r.totals.Of += s.To - s.From
	}
	return nil
}

// generation handles the partitions of one generation, one after the other.
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
			continue // this partition was added after the start
		}
		if err := r.partition(ctx, p, positions, writer{r, gen}); err != nil {
			return err
		}
	}
	return nil
}

// partition handles one partition, from the group's progress on.
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
		// Another run that began later may have committed more.
		now, err := r.cfg.Kafka.Span(ctx, r.cfg.DeadLetter, len(r.spans), time.Time{})
		if err != nil {
			return err
		}
		if at.Offset <= now[p].To {
			r.count(p, span.To)
			return nil
		}
		r.cfg.Listener.Notice(fmt.Sprintf("partition %d of %s ends at %d, below the committed offset %d: the topic was recreated, and is read from its start", p, r.cfg.DeadLetter, span.To, at.Offset))
		done = progress{low: span.From}
	default:
		done.low = max(at.Offset, span.From)
	}
	from := min(done.from(r.cfg.Filter), span.To)
	r.count(p, from)
	b := &batch{r: r, to: to, partition: p, done: done}
	return scan.Partition(ctx, r.cfg.Kafka, r.cfg.DeadLetter, p, consumer.Interval{From: from, To: span.To}, func(page consumer.Page) error {
		return b.page(ctx, page)
	})
}

// count updates the totals: the partition is done up to next. Records that another
// generation reads again are not counted twice.
func (r *Redriver) count(p int, next int64) {
	if next > r.counted[p] {
		r.totals.Read += next - r.counted[p]
		r.counted[p] = next
	}
	r.cfg.Listener.Progress(r.totals)
}
