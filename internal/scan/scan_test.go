package scan_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/scan"
)

// pages is a log of one partition with scripted answers to fetches.
type pages struct {
	at    map[int64]consumer.Page
	first int64
}

func (p pages) Fetch(_ context.Context, _ string, _ int, offset int64, _ int) (consumer.Page, error) {
	page, ok := p.at[offset]
	if !ok {
		return consumer.Page{}, consumer.ErrOffsetOutOfRange
	}
	return page, nil
}

func (p pages) Span(context.Context, string, int, time.Time) ([]consumer.Interval, error) {
	return []consumer.Interval{{From: p.first, To: 100}}, nil
}

func records(offsets ...int64) (all []consumer.Record) {
	for _, o := range offsets {
		all = append(all, consumer.Record{Offset: o})
	}
	return all
}

// read returns the offsets of the records, and where the last page ended.
func read(kafka scan.Kafka, from, to int64) (offsets []int64, next int64, err error) {
	err = scan.Partition(context.Background(), kafka, "t", 0, consumer.Interval{From: from, To: to}, func(page consumer.Page) error {
		for _, r := range page.Records {
			offsets = append(offsets, r.Offset)
		}
		next = page.Next
		return nil
	})
	return offsets, next, err
}

func TestItEndsAtTheIntervalsEndWhateverThePageBrings(t *testing.T) {
	kafka := pages{at: map[int64]consumer.Page{3: {Records: records(3, 4, 7), Next: 8}, 8: {Records: records(8, 9, 10, 11), Next: 12}}}
	offsets, next, err := read(kafka, 3, 10)
	if len(offsets) != 5 || offsets[4] != 9 || next != 10 || err != nil {
		t.Errorf("%v, next %d, %v", offsets, next, err)
	}
}

func TestWhatWasAbortedOrCompactedAtTheEndIsPassed(t *testing.T) {
	offsets, next, err := read(pages{at: map[int64]consumer.Page{0: {Records: records(0), Next: 1}, 1: {Next: 5}}}, 0, 5)
	if len(offsets) != 1 || next != 5 || err != nil {
		t.Errorf("%v, next %d, %v", offsets, next, err)
	}
}

func TestWhatRetentionTookIsPassed(t *testing.T) {
	kafka := pages{first: 50, at: map[int64]consumer.Page{50: {Records: records(50), Next: 60}}}
	offsets, _, err := read(kafka, 0, 60)
	if len(offsets) != 1 || err != nil {
		t.Errorf("%v, %v", offsets, err)
	}
}

func TestALogThatBecameShorterEndsInAnErrorAndNotInALoop(t *testing.T) {
	for name, kafka := range map[string]pages{
		"out of range": {first: 0},
		"no progress":  {at: map[int64]consumer.Page{10: {Next: 10, End: 10}}},
	} {
		if _, _, err := read(kafka, 10, 60); err == nil || !strings.Contains(err.Error(), "recreated") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheReadersErrorEndsIt(t *testing.T) {
	enough := errors.New("enough")
	err := scan.Partition(context.Background(), pages{at: map[int64]consumer.Page{0: {Next: 1}}}, "t", 0, consumer.Interval{To: 9}, func(consumer.Page) error { return enough })
	if !errors.Is(err, enough) {
		t.Error(err)
	}
}

// dense is a log that unpacks to five thousand times its size, in records of 16 KB.
type dense struct{ largest int }

func (d *dense) Fetch(_ context.Context, _ string, _ int, offset int64, maxBytes int) (consumer.Page, error) {
	value := make([]byte, 16_000)
	page := consumer.Page{Next: offset, End: 10_000}
	for unpacked := 0; unpacked < 5000*maxBytes && page.Next < page.End; unpacked += len(value) {
		page.Records = append(page.Records, consumer.Record{Offset: page.Next, Value: value})
		page.Next++
	}
	d.largest = max(d.largest, len(page.Records)*len(value))
	return page, nil
}

func (d *dense) Span(context.Context, string, int, time.Time) ([]consumer.Interval, error) {
	return nil, nil
}

func TestALogThatUnpacksAThousandfoldIsReadInSmallBites(t *testing.T) {
	kafka := &dense{}
	offsets, _, err := read(kafka, 0, 10_000)
	if len(offsets) != 10_000 || err != nil || kafka.largest > 8<<20 {
		t.Errorf("%d records in pages of up to %d MiB, %v", len(offsets), kafka.largest>>20, err)
	}
}

// large is a log with a large record, which has no contents until it is fetched alone.
type large struct{ asked []int }

func (l *large) Fetch(_ context.Context, _ string, _ int, offset int64, maxBytes int) (consumer.Page, error) {
	l.asked = append(l.asked, maxBytes)
	page := consumer.Page{Next: 4, End: 4}
	for o := offset; o < 4; o++ {
		r := consumer.Record{Offset: o}
		switch {
		case o == 1 && maxBytes >= 9e6 && o == offset:
			r.Value = []byte("whole")
		case o == 1:
			r.LeftOut = &consumer.LeftOut{Size: 9e6, Last: 1}
		case o == 2:
			r.LeftOut = &consumer.LeftOut{Size: consumer.LargestRecord + 1, Last: 2}
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}

func (l *large) Span(context.Context, string, int, time.Time) ([]consumer.Interval, error) {
	return nil, nil
}

func TestALargeRecordIsFetchedByItself(t *testing.T) {
	kafka := &large{}
	var whole, out []int64
	err := scan.Partition(t.Context(), kafka, "t", 0, consumer.Interval{From: 0, To: 4}, func(page consumer.Page) error {
		for _, r := range page.Records {
			if r.LeftOut != nil {
				out = append(out, r.Offset)
			} else {
				whole = append(whole, r.Offset)
			}
		}
		return nil
	})
	if err != nil || !slices.Equal(whole, []int64{0, 1, 3}) || !slices.Equal(out, []int64{2}) || len(kafka.asked) != 2 || kafka.asked[1] != 9e6 {
		t.Errorf("%v whole, %v not, asked for %v, %v", whole, out, kafka.asked, err)
	}
}
