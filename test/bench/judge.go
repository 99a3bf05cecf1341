package main

import "fmt"

// verdict is what a table says of a row.
type verdict string

const (
	fine     verdict = ""
	missed   verdict = "aim missed"
	worse    verdict = "WORSE"
	improved verdict = "record it"
	noisy    verdict = "too noisy"
)

// bearable is what others may use of a core, in percent, before a metric says
// nothing. Interrupts and the kernel's own threads, which serve the run, are in it.
// Cold caches move the CPU time of an event too, but less than others move times;
// allocations and peaks of memory are always judged.
var bearable = map[string]float64{
	perSecond: 25, answerTime: 25, answerTail: 25, startTime: 25,
	cpuPerEvent: 75, coreShare: 75,
}

// verdict judges a row by all rounds so far.
func (b *bench) verdict(at row) verdict {
	judged, l := b.judged(at)
	v := l.judge(median(judged))
	if upTo, sensitive := bearable[at.metric]; sensitive && v != fine {
		for _, figures := range b.done.values[row{at.name, others}] {
			if median(figures) > upTo {
				return noisy
			}
		}
	}
	return v
}

// judge compares a row's figure with its limit.
func (l limit) judge(got float64) verdict {
	if got == 0 {
		return fine // not measured
	}
	room := l.room
	if room == 0 {
		room = roomOfRatios
	}
	// A peak less decisions may be negative, and is then below any aim.
	behind := func(than float64) bool {
		return than != 0 && (l.least && got < than || !l.least && got > than)
	}
	low, high := l.recorded*(1-room), l.recorded*(1+room)
	switch {
	case l.least && behind(low), !l.least && behind(high):
		return worse
	case behind(l.aim):
		return missed
	case l.recorded > 0 && room <= roomOfMemory && (l.least && got > high || !l.least && got < low):
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
	if l.itself {
		return b.done.values[at][service], l
	}
	return b.done.over(at, service, kafkaGo), l
}
