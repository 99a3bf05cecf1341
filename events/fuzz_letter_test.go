package events_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"remux-retrier/events"
)

// FuzzReadDeadLetter: a dead letter says where its record was, whatever the record's own
// headers are, and restores them unchanged.
func FuzzReadDeadLetter(f *testing.F) {
	f.Add("a", []byte("1"), "dead-letter-count", []byte("5"), int64(3), int64(1795420800000), "the value is ü")
	f.Add("dead-letter-size", []byte("7"), "dead-letter-offset", []byte("\xff"), int64(0), int64(-1), "")
	f.Add("dead-letter-reason", []byte(nil), "", []byte(""), int64(1)<<62, int64(1)<<62, "\x1b[2J")
	f.Fuzz(func(t *testing.T, firstName string, first []byte, lastName string, last []byte, offset, millis int64, message string) {
		offset &= math.MaxInt64
		came := []events.Header{{Key: firstName, Value: first}, {Key: lastName, Value: last}}
		if _, err := events.ReadDeadLetter(came); err == nil {
			t.Fatal("two headers are no dead letter")
		}
		u := &events.Unreadable{Reason: events.NotJSON, Message: message}
		source := events.Source{Topic: "remux.failed", Partition: 3, Offset: offset, Time: time.UnixMilli(millis)}
		letter := events.DeadLetter(source, came, u, events.DeadLetterMessageLimit)
		read, err := events.ReadDeadLetter(letter)
		if err != nil || read.Source.Offset != offset || read.Source.Partition != 3 || read.Reason != events.NotJSON || read.Count < 1 || read.Size != 0 {
			t.Fatalf("%+v, %v", read, err)
		}
		back := events.RedriveHeaders(letter)
		own := came
		if n := len(came); lastName == "dead-letter-count" && read.Count > 1 {
			own = came[:n-1] // the count is continued
		}
		if len(back) != len(own)+1 || !reflect.DeepEqual(back[:len(own)], own) || back[len(own)].Key != "dead-letter-count" {
			t.Fatalf("%q became %q", came, back)
		}
		again := events.DeadLetter(source, back, u, 0)
		if next, err := events.ReadDeadLetter(again); err != nil || next.Count != read.Count+1 {
			t.Fatalf("a second time: %+v, %v", next, err)
		}
		if reference, err := events.ReadDeadLetter(events.DeadLetterReference(source, u, 7, offset)); err != nil || reference.Size != 7 {
			t.Fatalf("a reference: %+v, %v", reference, err)
		}
	})
}
