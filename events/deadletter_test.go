package events_test

import (
	"reflect"
	"strings"
	"testing"

	"remux-retrier/events"
	"remux-retrier/events/eventstest"
)

var (
	place  = eventstest.FailedSource
	defect = &events.Unreadable{Reason: events.NotJSON, Message: "the value is ü"}
)

func deadLetterHeaders(count string) []events.Header {
	return []events.Header{
		header("dead-letter-reason", "not_json"),
		header("dead-letter-message", "the value is ü"),
		header("dead-letter-topic", "remux.failed"),
		header("dead-letter-partition", "3"),
		header("dead-letter-offset", "1042"),
		header("dead-letter-timestamp", "2026-11-23T08:00:00.000Z"),
		header("dead-letter-count", count),
	}
}

func TestDeadLetterKeepsTheRecordsHeadersAsTheyCame(t *testing.T) {
	came := []events.Header{
		header("b", "\xff\x00"), {Key: "a"}, header("b", ""), header("Dead-Letter-Count", "7"), header("dead-letter-note", "x"),
		header("dead-letter-reason", "theirs"), header("dead-letter-count", "5"), header("dead-letter-offset", "\xff"),
	}
	got := events.DeadLetter(place, came, defect, events.DeadLetterMessageLimit)
	if want := append(came, deadLetterHeaders("1")...); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got[1].Value != nil || got[2].Value == nil {
		t.Error("null and empty header values were mixed up")
	}
}

// A count belongs to redrive only at the place and in the form in which redrive writes it.
func TestDeadLetterThatComesBackIsCountedOn(t *testing.T) {
	for count, want := range map[string]string{"1": "2", "41": "42"} {
		came := []events.Header{header("a", "1"), header("dead-letter-count", count)}
		got := events.DeadLetter(place, came, defect, events.DeadLetterMessageLimit)
		if want := append([]events.Header{header("a", "1")}, deadLetterHeaders(want)...); !reflect.DeepEqual(got, want) {
			t.Errorf("after count %q:\ngot  %s\nwant %s", count, got, want)
		}
	}
	for _, count := range []string{"", "x", "0", "-3", "+1", "01", "9223372036854775807", "99999999999999999999"} {
		came := []events.Header{header("a", "1"), header("dead-letter-count", count)}
		got := events.DeadLetter(place, came, defect, events.DeadLetterMessageLimit)
		if want := append(came, deadLetterHeaders("1")...); !reflect.DeepEqual(got, want) {
			t.Errorf("after a producer's count %q:\ngot  %s\nwant %s", count, got, want)
		}
	}
}

func TestDeadLetterMessageIsCutAtACharacter(t *testing.T) {
	u := &events.Unreadable{Reason: events.NotJSON, Message: strings.Repeat("ä", 600)}
	for limit, want := range map[int]int{events.DeadLetterMessageLimit: 1024, 1023: 1022, 1: 0, 0: 0, 2000: 1200} {
		got, n := headerOf(events.DeadLetter(place, nil, u, limit), "dead-letter-message")
		if n != 1 || len(got) != want || strings.Trim(got, "ä") != "" {
			t.Errorf("limit %d: %d bytes in %d headers, want %d in 1", limit, len(got), n, want)
		}
	}
}

func TestDeadLetterLeavesTheRecordAlone(t *testing.T) {
	came := make([]events.Header, 1, 100) // room to append into
	came[0] = header("a", "1")
	events.DeadLetter(place, came, defect, 0)
	if rest := came[:2][1]; rest.Key != "" {
		t.Errorf("wrote %v into the record's headers", rest)
	}
}

func TestAReferenceTellsWhereTheRecordStandsAndIsNotTakenForOne(t *testing.T) {
	large := &events.Unreadable{Reason: events.TooLarge, Message: "300 MB"}
	for last, want := range map[int64][]events.Header{
		1042: {header("dead-letter-size", "300000000")},
		1050: {header("dead-letter-size", "300000000"), header("dead-letter-last-offset", "1050")},
	} {
		got := events.DeadLetterReference(place, large, 300_000_000, last)
		if rest := got[len(deadLetterHeaders("1")):]; !reflect.DeepEqual(rest, want) {
			t.Errorf("%s", rest)
		}
		letter, err := events.ReadDeadLetter(got)
		if err != nil || letter.Size != 300_000_000 || letter.Source != (events.Source{Topic: place.Topic, Partition: 3, Offset: 1042, Time: place.Time.UTC()}) || letter.Reason != events.TooLarge {
			t.Errorf("%+v, %v", letter, err)
		}
	}
	// A producer's header of that name does not make a reference, and is restored.
	theirs := []events.Header{header("dead-letter-size", "5")}
	got := events.DeadLetter(place, theirs, defect, 0)
	if letter, err := events.ReadDeadLetter(got); err != nil || letter.Size != 0 {
		t.Errorf("%+v, %v", letter, err)
	}
	if back := events.RedriveHeaders(got); !reflect.DeepEqual(back[:1], theirs) {
		t.Errorf("%s", back)
	}
}
