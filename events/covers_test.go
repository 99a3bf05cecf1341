package events_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"remux-retrier/events"
)

func coversOf(partitions ...int) (covers []events.Cover) {
	for _, p := range partitions {
		covers = append(covers, events.Cover{Partition: p, End: int64(100 + p), LogID: 7})
	}
	return covers
}

// Any writer to an outcome topic could fill the memory of all instances.
func TestCoversAreBounded(t *testing.T) {
	var others []int
	for p := range 28_000 {
		if p != 3 { // the event's own
			others = append(others, p)
		}
	}
	for name, test := range map[string]struct{ given, want []int }{
		"as many as there may be": {others[:events.MaxCovers], others[:events.MaxCovers]},
		"its own last":            {append(slices.Clone(others), 3), append([]int{3}, others[:events.MaxCovers-1]...)},
		"its own in time":         {append([]int{3}, others...), append([]int{3}, others[:events.MaxCovers-1]...)},
		"not its own":             {others, others[:events.MaxCovers]},
	} {
		o, want := outcome(events.AttemptsExhausted), coversOf(test.want...)
		o.Covers = coversOf(test.given...)
		m := encode(t, o)
		if len(m.Value) > 2000 {
			t.Errorf("%s: written in %d bytes", name, len(m.Value))
		}
		if got, err := events.DecodeOutcome(m.Value, m.Headers); err != nil || !reflect.DeepEqual(got.Covers, want) {
			t.Errorf("%s: written %+v, %v", name, got.Covers, err)
		}
		var forged strings.Builder
		for _, c := range o.Covers {
			fmt.Fprintf(&forged, `,{"partition":%d,"end_offset":%d,"log":%d}`, c.Partition, c.End, c.LogID)
		}
		o.Covers = nil
		m = encode(t, o)
		replace(`"decided_at"`, `"covers":[`+forged.String()[1:]+`],"decided_at"`)(&m)
		if got, err := events.DecodeOutcome(m.Value, m.Headers); err != nil || !reflect.DeepEqual(got.Covers, want) {
			t.Errorf("%s: read %+v, %v", name, got.Covers, err)
		}
	}
}

// We cut texts when we write; a foreign writer may not.
func TestAStrangersLongTextsAreCutWhenRead(t *testing.T) {
	o := outcome(events.Rejected)
	long := strings.Repeat("ü", 100_000)
	m := encode(t, o)
	for _, field := range []string{`"id":"`, `"description":"`, `"error_msg":"`, `"request_id":"`, `"user_data":"`} {
		replace(field, field+long)(&m)
	}
	got, err := events.DecodeOutcome(m.Value, m.Headers)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"id": got.Failure.ID, "description": got.Failure.Description, "error_msg": got.Error.Message, "request_id": got.Error.RequestID} {
		if text != long[:1024] {
			t.Errorf("%s has %d bytes", name, len(text))
		}
	}
	if got.Failure.UserData != "" {
		t.Errorf("user_data has %d bytes", len(got.Failure.UserData))
	}
}
