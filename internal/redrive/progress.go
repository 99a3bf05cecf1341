package redrive

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// maxMetadata is below the 4,096 bytes that brokers accept as a commit's metadata.
const maxMetadata = 3900

const (
	version = "redrive1"
	trailer = "end" // shows that the text was not cut off
)

// progress is what the group has committed for a partition of the dead-letter topic. All
// records below low, the committed offset, are done. A run with a filter does not change
// low, or the records that it does not select would be lost. It adds an entry to filters:
// below upTo, the selected records are done too. Records do not change, so a later run
// with any filter knows which records were put back.
type progress struct {
	low     int64
	filters []filtered // in the order in which they were first used
}

type filtered struct {
	Filter
	upTo int64
}

// from returns the offset at which a run with the filter begins.
func (p *progress) from(f Filter) int64 {
	for _, done := range p.filters {
		if done.Filter == f {
			return max(p.low, done.upTo)
		}
	}
	return p.low
}

// contains reports whether an earlier run with a filter has handled the record.
func (p *progress) contains(r *consumer.Record, reason events.Defect) bool {
	return slices.ContainsFunc(p.filters, func(f filtered) bool { return r.Offset < f.upTo && f.selects(r, reason) })
}

// advance records that a run with the filter has done all records below next.
func (p *progress) advance(f Filter, next int64) {
	if f.all() {
		p.low = next
		p.filters = slices.DeleteFunc(p.filters, func(f filtered) bool { return f.upTo <= next })
		return
	}
	for i := range p.filters {
		if p.filters[i].Filter == f {
			p.filters[i].upTo = next
			return
		}
	}
	p.filters = append(p.filters, filtered{f, next})
}

// position returns the offset and metadata to commit.
func (p *progress) position() (consumer.Position, error) {
	var b strings.Builder
	b.WriteString(version)
	for _, f := range p.filters {
		fmt.Fprintf(&b, " %s@%d", f, f.upTo)
	}
	b.WriteString(" " + trailer)
	if b.Len() > maxMetadata {
		return consumer.Position{}, fmt.Errorf("%d different filters were used since the last run without one, more than a commit can hold: run it once without a filter", len(p.filters))
	}
	return consumer.Position{Offset: p.low, Metadata: b.String()}, nil
}

// parseProgress reads a commit's metadata. It is empty after an operator's reset.
func parseProgress(metadata string) (progress, error) {
	if metadata == "" {
		return progress{}, nil
	}
	words := strings.Split(metadata, " ")
	if len(words) < 2 || words[0] != version || words[len(words)-1] != trailer {
		return progress{}, fmt.Errorf("the committed metadata %.80q is not a redrive's", metadata)
	}
	var p progress
	for _, word := range words[1 : len(words)-1] {
		filter, upTo, _ := strings.Cut(word, "@")
		f, errFilter := parseFilter(filter)
		n, errOffset := strconv.ParseInt(upTo, 10, 64)
		if err := errors.Join(errFilter, errOffset); err != nil || f.all() || n < 0 {
			return progress{}, fmt.Errorf("the committed metadata %.80q is damaged", metadata)
		}
		p.filters = append(p.filters, filtered{f, n})
	}
	return p, nil
}
