package main

import "fmt"

// verdict is the last column of the table.
type verdict string

const (
	fine     verdict = ""
	missed   verdict = "aim missed"
	worse    verdict = "WORSE"
	improved verdict = "record it"
	noisy    verdict = "too noisy"
)

// maxOthers is how much of a core other processes may use, in percent, before a metric
// is too noisy to be judged. Interrupts and kernel threads that serve the run count as
// others. CPU time allows more than elapsed time: only cold caches change it.
// Allocations and memory peaks are always judged.
var maxOthers = map[string]float64{
	perSecond: 25, answerTime: 25, answerTail: 25, startTime: 25,
	cpuPerEvent: 75, coreShare: 75,
}

// verdict compares a row with its limit, over all rounds so far.
func (b *bench) verdict(at row) verdict {
	judged, l := b.judged(at)
	v := l.judge(median(judged))
	if upTo, sensitive := maxOthers[at.metric]; sensitive && v != fine {
		for _, figures := range b.done.values[row{at.name, others}] {
			if median(figures) > upTo {
				return noisy
			}
		}
	}
	return v
}

// judge compares a figure with the limit.
func (l limit) judge(got float64) verdict {
	if got == 0 {
		return fine // not measured
	}
	tolerance := l.tolerance
	if tolerance == 0 {
		tolerance = toleranceForRatios
	}
	// A peak minus decisions may be negative; then it is below any aim.
	worseThan := func(than float64) bool {
		return than != 0 && (l.higherIsBetter && got < than || !l.higherIsBetter && got > than)
	}
	low, high := l.recorded*(1-tolerance), l.recorded*(1+tolerance)
	switch {
	case l.higherIsBetter && worseThan(low), !l.higherIsBetter && worseThan(high):
		return worse
	case worseThan(l.aim):
		return missed
	case l.recorded > 0 && tolerance <= toleranceForMemory && (l.higherIsBetter && got > high || !l.higherIsBetter && got < low):
		return improved
	}
	return fine
}

func (l limit) aimText() string {
	switch {
	case l.aim == 0:
		return ""
	case l.higherIsBetter:
		return fmt.Sprintf("≥ %g", l.aim)
	}
	return fmt.Sprintf("≤ %g", l.aim)
}

// judged returns the figures of a row to which its limit applies: the service's own, or
// their ratios to the kafka-go loop's.
func (b *bench) judged(at row) ([]float64, limit) {
	l := limits[at]
	if l.serviceOnly {
		return b.done.values[at][service], l
	}
	return b.done.over(at, service, kafkaGo), l
}
