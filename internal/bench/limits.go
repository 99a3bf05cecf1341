package main

import "fmt"

// A limit is what a row should reach, and what it may not fall behind.
//
// Aims are for a quiet machine and are only printed. What fails a run is to be
// worse than recorded, a figure that this code reached on two shared cores, by
// more than the room. The room is less than the fifth that must be seen, and more
// than what medians of three rounds differ by between runs there: ratios of
// contestants that take turns differ by some 5 %, peaks of memory by 10 %. A row
// that falls behind is measured over as many rounds again before it fails the
// run, for noise seldom comes twice.
//
// After a change for speed, record what it has reached: the run says "record it".
type limit struct {
	aim, recorded float64 // 0: none
	room          float64 // 0: roomOfRatios
	least         bool    // more is better
	itself        bool    // judged is the service's own figure, not over the kafka-go loop's
}

const (
	roomOfRatios = 0.15
	// A peak of memory depends on when the collector came by.
	roomOfMemory = 0.18
	// One start, seconds long, in which everything on the machine shows, without a
	// loop beside it: what has become quadratic is seen, a fifth is not.
	roomOfStart = 1.0
	// 1 % of a core for six seconds is six ticks of the kernel's clock.
	roomOfTicks = 1.0
	// The tail of 1,000 answers is ten of them.
	roomOfTail = 1.0
	// A count does not vary, but a connection may be about to be replaced.
	roomOfCount = 0.1
)

type verdict string

const (
	fine     verdict = ""
	missed   verdict = "aim missed"
	worse    verdict = "WORSE"
	improved verdict = "record it"
)

// judge compares a row's figure with its limit.
func (l limit) judge(got float64) verdict {
	room := l.room
	if room == 0 {
		room = roomOfRatios
	}
	behind := func(v, than float64) bool { // a negative figure is a peak below what decisions may take
		return than != 0 && ((l.least && v < than) || (!l.least && v > than))
	}
	switch up := 1 + room; {
	case got == 0 || l == limit{}:
		return fine
	case l.least && behind(got, l.recorded*(1-room)), !l.least && behind(got, l.recorded*up):
		return worse
	case behind(got, l.aim):
		return missed
	case l.recorded > 0 && l.room == 0 && (l.least && got > l.recorded*up || !l.least && got < l.recorded*(1-room)):
		return improved
	}
	return fine
}

func (l limit) aimText() string {
	switch {
	case l.aim == 0:
		return ""
	case l.least:
		return fmt.Sprintf("≥ %g", l.aim)
	}
	return fmt.Sprintf("≤ %g", l.aim)
}

// judged are the figures of a row that its limit is about.
func (b *bench) judged(at row) ([]float64, limit) {
	l := limits[at]
	if own := b.done.values[at][service]; l.itself || len(b.done.values[at]) == 1 {
		return own, l
	}
	return b.done.over(at, service, kafkaGo), l
}
