package events_test

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
	"time"

	"remux-retrier/events"
)

func sameHeaders(a, b []events.Header) bool {
	return slices.EqualFunc(a, b, func(a, b events.Header) bool {
		return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
	})
}

func TestADeadLetterAndBackIsTheRecordAndItsCount(t *testing.T) {
	for name, own := range map[string][]events.Header{
		"some": {{Key: "a", Value: []byte("1")}, {Key: "nil"}, {Key: "a", Value: []byte{}}, {Key: "", Value: []byte("x")}},
		"none": {},
		// A producer may use the same header names for its own dead letters.
		"ours":               append(deadLetterHeaders("7"), header("dead-letter-reason", "theirs"), events.Header{Key: "dead-letter-topic"}),
		"a count in between": {header("dead-letter-count", "3"), header("z", "26")},
		"a count of another": {header("dead-letter-count", "many")},
	} {
		source := events.Source{Topic: "remux.failed", Partition: 3, Offset: 42, Time: time.UnixMilli(1795466959592).UTC()}
		u := &events.Unreadable{Reason: events.NoTaskID, Message: "there is none"}
		headers := own
		for count := 1; count <= 3; count++ {
			letter := events.DeadLetter(source, headers, u, events.DeadLetterMessageLimit)
			if !sameHeaders(letter[:len(own)], own) || len(letter) != len(own)+7 {
				t.Errorf("%s, round %d: the headers are %q", name, count, letter)
			}
			read, err := events.ReadDeadLetter(letter)
			want := events.DeadLetterInfo{Reason: events.NoTaskID, Message: "there is none", Source: source, Count: count}
			if err != nil || read != want {
				t.Errorf("%s, round %d: %+v, %v", name, count, read, err)
			}
			headers = events.RedriveHeaders(letter)
			if !sameHeaders(headers, append(slices.Clip(own), header("dead-letter-count", strconv.Itoa(count)))) {
				t.Errorf("%s, round %d: restored %q", name, count, headers)
			}
		}
	}
}

func TestAStrangersRecordIsNoDeadLetter(t *testing.T) {
	whole := events.DeadLetter(events.Source{Topic: "f", Time: time.Unix(0, 0)}, nil, &events.Unreadable{Reason: events.NotJSON}, 10)
	if _, err := events.ReadDeadLetter(whole); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"reason", "topic", "partition", "offset", "count"} {
		for _, value := range []string{"", "-1", "ü"} {
			if name == "reason" && value != "" || name == "topic" && value == "-1" {
				continue // a later version may have more reasons; this case names a topic
			}
			damaged := slices.Clone(whole)
			for i, h := range damaged {
				if h.Key == "dead-letter-"+name {
					damaged[i].Value = []byte(value)
				}
			}
			if l, err := events.ReadDeadLetter(damaged); err == nil {
				t.Errorf("%s is %q: read as %+v", name, value, l)
			}
		}
	}
	if _, err := events.ReadDeadLetter([]events.Header{{Key: "dead-letter-count", Value: []byte("1")}}); err == nil {
		t.Error("a count alone makes a dead letter")
	}
}
