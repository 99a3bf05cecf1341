package history

import (
	"context"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// storm returns n failure events, a second apart, and the outcomes of all but the last, in
// random order.
func storm(n int) (all []Entry) {
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	for i := range n {
		all = append(all, Entry{Kind: FailureEvent, Offset: int64(i), At: at(i), Failure: &Failure{}})
	}
	for order, i := range rand.Perm(n - 1) {
		all = append(all, Entry{Kind: Outcome, Offset: int64(order), At: at(n + order), Outcome: &Answer{Offset: int64(i), EventTime: at(i)}})
	}
	return all
}

func collected(all bool, entries []Entry) History {
	c, h := newCollector(all), History{Complete: true}
	for _, i := range rand.Perm(len(entries)) {
		c.add(entries[i])
	}
	c.fill(&h, nil)
	return h
}

func TestOfAStormTheFirstAndTheLatestAreTold(t *testing.T) {
	const n = 5000
	var want []Entry
	all := collected(true, storm(n)).Entries
	if len(all) != 2*n-1 {
		t.Fatalf("%d entries without a limit", len(all))
	}
	for _, kind := range []Kind{FailureEvent, Outcome} {
		of := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.Kind != kind })
		want = append(append(want, of[:keepFirst]...), of[len(of)-keepLatest:]...)
	}
	h := collected(false, all)
	if !reflect.DeepEqual(h.Entries, want) { // all failures come before all answers here
		t.Errorf("%d entries are kept, or others than the first and the latest", len(h.Entries))
	}
	for i, e := range h.Entries {
		if last := e.Offset == n-1; e.Failure != nil && e.Failure.Answered == last {
			t.Errorf("entry %d, offset %d: answered %v", i, e.Offset, e.Failure.Answered)
		}
	}
	gap := Gap{Count: 2*n - 1 - len(want), First: noon.Add(keepFirst * time.Second), Last: noon.Add((2*n - 2 - keepLatest) * time.Second)}
	if h.LeftOut == nil || *h.LeftOut != gap {
		t.Errorf("left out: %+v, want %+v", h.LeftOut, gap)
	}
	lines := h.Sentences()
	if !strings.Contains(lines[keepFirst], "From here until 2026-11-23 14:44:58.000 UTC, 9779 more are left out") || len(lines) != len(want)+1 {
		t.Errorf("%d lines, %q", len(lines), lines[keepFirst])
	}
}

func TestOfAUsualTaskNothingIsLeftOut(t *testing.T) {
	if h := collected(false, storm(keepLatest)); len(h.Entries) != 2*keepLatest-1 || h.LeftOut != nil {
		t.Errorf("%d entries, left out: %+v", len(h.Entries), h.LeftOut)
	}
}

// oneTask is a Kafka in which each record is about task 7 and long.
type oneTask struct {
	records int64
	text    string
}

func (o oneTask) Partitions(context.Context, string) (int, error)           { return 1, nil }
func (o oneTask) PartitionFor(context.Context, string, []byte) (int, error) { return 0, nil }

func (o oneTask) Span(context.Context, string, int, time.Time) ([]consumer.Interval, error) {
	return []consumer.Interval{{To: o.records}}, nil
}

func (o oneTask) Fetch(_ context.Context, topic string, _ int, offset int64, _ int) (consumer.Page, error) {
	page := consumer.Page{Next: min(offset+500, o.records), End: o.records}
	value := []byte(`{"task_id":"7","description":"` + o.text + `"}`)
	for at := offset; at < page.Next; at++ {
		r := consumer.Record{Topic: topic, Offset: at, Time: noon, Value: value}
		if topic == "bad" {
			answer := events.Outcome{
				Reason: events.Rejected, Source: events.Source{Topic: "f", Offset: at, Time: noon}, Failure: events.Failure{TaskID: "7"},
				Error: &events.APIError{Message: o.text}, DecidedAt: noon, Origin: "g",
			}
			m, err := answer.Encode()
			if err != nil {
				return page, err
			}
			r.Key, r.Value, r.Headers = m.Key, m.Value, m.Headers
		}
		page.Records = append(page.Records, r)
	}
	return page, nil
}

func TestInvariant7AStormAboutOneTaskHoldsLittleMemory(t *testing.T) {
	const records = 10_000
	kafka := oneTask{records: records, text: strings.Repeat("x", 1000)}
	var mu sync.Mutex
	held := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, next := held(), uint64(0), int64(0)
	r, err := New(Config{
		Kafka: kafka, Positions: func(context.Context) (map[int]consumer.Position, error) { return nil, nil },
		Failed: "f", Retried: "ok", RetryFailed: "bad", DeadLetter: "dlq", Origin: "g", Window: time.Hour,
		Now: func() time.Time { return noon }, Progress: func(read, _ int64) {
			mu.Lock()
			defer mu.Unlock()
			if read >= next {
				most, next = max(most, held()), next+5_000
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := r.Task(t.Context(), "7")
	most = max(most, held())
	if err != nil || h.Read != 4*records || h.LeftOut == nil || h.LeftOut.Count+len(h.Entries) != 2*records {
		t.Fatalf("%d records, %d entries, %+v left out, %v", h.Read, len(h.Entries), h.LeftOut, err)
	}
	// The texts of all entries would be 20 MB.
	if most > before+8<<20 {
		t.Errorf("reading held %d MiB", (most-before)>>20)
	}
}

func TestThatEntriesAreLeftOutIsSaidAlsoIfAllHaveTheSameTime(t *testing.T) {
	same := Entry{Kind: FailureEvent, At: noon, Failure: &Failure{}}
	h := History{LeftOut: &Gap{Count: 7, First: noon, Last: noon}, Entries: []Entry{same, same}}
	if lines := h.Lines(); len(lines) != 3 || lines[2].Kind != LeftOut {
		t.Errorf("%+v", lines)
	}
}
