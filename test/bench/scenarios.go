package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// scenario is a group of cases with a common table.
type scenario struct {
	name, about string
	once        bool // only one round, because it takes long
	run         func(context.Context) error
}

func (b *bench) scenarios() []scenario {
	return []scenario{
		{"speed", "A backlog is worked off. The clock runs from the first tenth of the events.", false, b.speed},
		{"steady", "200 events a second, API 10 ms.", false, b.atSteadyRate},
		{"growth", "One long backlog, the service alone, and its next start.", true, b.grow},
		{"waiting", "A backlog that is too long to be finished.", true, b.waiting},
		{"hostile", "Floods that producers should not send, until each record is answered.", true, b.hostile},
		{"idle", "64 partitions without an event.", true, b.withoutEvents},
	}
}

// maxMeasurings is how often a scenario is measured before a row that is worse than
// recorded fails the run.
const maxMeasurings = 3

// all runs the scenarios and prints a table for each. If a row is worse than recorded,
// the scenario is measured again, and the row is judged by all its rounds.
func (b *bench) all(ctx context.Context) error {
	var failed []string
	for _, s := range b.scenarios() {
		from, rounds, measured := len(b.done.rows), b.rounds, 0
		if s.once {
			rounds = 1
		}
		for measured < maxMeasurings {
			if err := b.measure(ctx, s, rounds); err != nil {
				return err
			}
			measured++
			rows := b.worseRows(from)
			if len(rows) == 0 {
				break
			}
			fmt.Printf("\n%s: worse than recorded, measured %d of at most %d times: %q\n", s.name, measured, maxMeasurings, rows)
		}
		if len(b.done.rows) == from {
			continue // excluded by -only
		}
		fmt.Printf("\n### %s\n\n%s Medians of %d rounds.\n", s.name, s.about, rounds*measured)
		b.print(from)
		failed = append(failed, b.worseRows(from)...)
	}
	if len(failed) > 0 {
		return fmt.Errorf("worse than recorded, by more than noise: %q", failed)
	}
	return nil
}

func (b *bench) measure(ctx context.Context, s scenario, rounds int) error {
	for range rounds {
		b.round++
		if err := s.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// worseRows returns the rows that are worse than recorded; none with -profile, which slows
// the service.
func (b *bench) worseRows(from int) (names []string) {
	for _, at := range b.done.rows[from:] {
		if b.profile == "" && b.verdict(at) == worse {
			names = append(names, at.name+": "+at.metric)
		}
	}
	return names
}

// each runs a case for the contestants. The order is reversed in every other round.
func (b *bench) each(scenario, name string, who []string, run func(who string) (figures, error)) error {
	if b.running = scenario + ": " + name; !b.only.MatchString(b.running) {
		return nil
	}
	who = slices.Clone(who)
	if b.round%2 == 0 {
		slices.Reverse(who)
	}
	for _, w := range who {
		f, err := run(w)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", name, w, err)
		}
		b.done.add(name, w, f)
	}
	return nil
}

// warmUp is a round that is not counted. A new broker is slow until its code is compiled,
// which would put the first contestant at a disadvantage.
func (b *bench) warmUp(ctx context.Context) error {
	for _, who := range []string{kafkaGo, franzGo, kafkaGo} {
		if _, err := b.drain(ctx, who, setting{latency: 10 * time.Millisecond, inFlight: 1000, partitions: 8}, 30_000); err != nil {
			return err
		}
	}
	return nil
}

// most bounds the length of the backlog: no contestant answers more events a second on
// two cores.
const most = 15_000

func (b *bench) speed(ctx context.Context) error {
	const ms = time.Millisecond
	settings := []setting{
		{10 * ms, 100, 8, 0}, {50 * ms, 100, 8, 0}, {10 * ms, 1000, 8, 0}, {50 * ms, 1000, 8, 0},
		{10 * ms, 100, 1, 0}, {10 * ms, 100, 64, 0},
	}
	length, who := 4.0, b.who // seconds
	if b.short {
		settings, length, who = []setting{settings[0], settings[3], settings[5]}, 1.5, b.minimum()
	}
	for _, s := range settings {
		events := int(min(float64(s.inFlight)/s.latency.Seconds(), most) * length)
		err := b.each("speed", s.String(), who, func(who string) (figures, error) { return b.drain(ctx, who, s, events) })
		if err != nil {
			return err
		}
	}
	for _, s := range settings[1:] {
		if s.partitions != settings[0].partitions {
			b.compareCases(partitionsOf(s.partitions)+" over 8", s.String(), settings[0].String())
		}
	}
	return nil
}

// compareCases adds rows with the ratios of a case's throughput, CPU and answer time to
// another's, in the last round, as far as both have them. For others' CPU it takes the
// larger one of both cases.
func (b *bench) compareCases(name, of, than string) {
	for _, who := range b.who {
		a, c := b.done.values[row{of, others}][who], b.done.values[row{than, others}][who]
		if len(a) > 0 && len(c) > 0 {
			b.done.put(row{name, others}, who, max(a[len(a)-1], c[len(c)-1]))
		}
	}
	for _, metric := range []string{perSecond, cpuPerEvent, answerTime} {
		for _, who := range b.who {
			a, c := b.done.values[row{of, metric}][who], b.done.values[row{than, metric}][who]
			if len(a) > 0 && len(c) > 0 {
				b.done.put(row{name, metric}, who, a[len(a)-1]/c[len(c)-1])
			}
		}
	}
}

// minimum returns the contestants that are needed to judge the service.
func (b *bench) minimum() []string { return b.who[:min(2, len(b.who))] }

func (b *bench) atSteadyRate(ctx context.Context) error {
	length, who := 10*time.Second, b.who
	if b.short {
		length, who = 3*time.Second, b.minimum()
	}
	at := setting{latency: 10 * time.Millisecond, inFlight: 100, partitions: 8}
	err := b.each("steady", "200 events a second", who, func(who string) (figures, error) {
		return b.steady(ctx, who, at, length, 0)
	})
	if err != nil {
		return err
	}
	err = b.each("steady", "200 events a second, 64 readers", b.who[:1], func(who string) (figures, error) {
		return b.steady(ctx, who, at, length, 64)
	})
	b.compareCases("64 readers over none", "200 events a second, 64 readers", "200 events a second")
	return err
}

func (b *bench) grow(ctx context.Context) error {
	powers := []int{1_000, 10_000, 100_000, 1_000_000}
	if b.short {
		powers = powers[:3]
	}
	all := thousands(powers[len(powers)-1])
	return b.each("growth", "to "+all+" events", []string{service}, func(string) (figures, error) {
		decades, end, again, err := b.growth(ctx, setting{latency: 10 * time.Millisecond, inFlight: 100, partitions: 8}, powers)
		if err != nil {
			return nil, err
		}
		name := func(i int) string { return "event " + thousands(powers[i]) + " to " + thousands(powers[i+1]) }
		for i, f := range decades {
			b.done.add(name(i), service, f)
			if i > 0 {
				b.compareCases(fmt.Sprintf("%s over %s", thousands(powers[i+1]), thousands(powers[i])), name(i), name(i-1))
			}
		}
		b.done.add("the next start, "+all+" outcomes in the window", service, again)
		return end, nil
	})
}

func (b *bench) waiting(ctx context.Context) error {
	const ms = time.Millisecond
	events, settle, length := 1_000_000, 10*time.Second, 20*time.Second
	if b.short {
		events, settle, length = 200_000, 2*time.Second, 4*time.Second
	}
	for _, batch := range []struct {
		bytes int
		name  string
	}{{usualBatch, ""}, {largeBatch, ", batches of 1 MB"}} {
		var filled *run // has the failed topic; made by the first case that runs
		for _, c := range []struct {
			setting setting
			name    string
			who     []string
		}{
			{setting{10 * ms, 100, 8, 100}, "100 a minute", b.who[:1]},
			{setting{10 * ms, 100, 8, 0}, "100 in flight", b.who},
			{setting{10 * ms, 1000, 8, 0}, "1,000 in flight", b.who},
		} {
			// With -short only the harder batches, and only the service.
			if b.short && batch.bytes == usualBatch {
				continue
			}
			if b.short {
				c.who = c.who[:1]
			}
			err := b.each("waiting", c.name+", "+thousands(events)+" waiting"+batch.name, c.who, func(who string) (figures, error) {
				if filled == nil {
					var err error
					if filled, err = b.prepare(ctx, who, c.setting); err != nil {
						return nil, err
					}
					if err := b.kafka.fill(ctx, filled.t.failed, events, batch.bytes, event); err != nil {
						return nil, err
					}
				}
				return b.backlog(ctx, who, c.setting, filled.t, settle, length)
			})
			if err != nil {
				return err
			}
		}
		if filled != nil {
			filled.close(ctx)
		}
	}
	return nil
}

func (b *bench) withoutEvents(ctx context.Context) error {
	settle, length, who := 5*time.Second, 10*time.Second, b.who
	if b.short {
		settle, length, who = 2*time.Second, 3*time.Second, b.who[:1]
	}
	return b.each("idle", "64 partitions, idle", who, func(who string) (figures, error) {
		return b.idle(ctx, who, setting{latency: 0, inFlight: 100, partitions: 64}, settle, length)
	})
}
