package history_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/history"
)

func TestAHistoryOfAnyYearIsWrittenAsJSON(t *testing.T) {
	far := time.Date(12345, 6, 7, 8, 9, 10, 0, time.UTC)
	text, err := json.Marshal(history.History{LeftOut: &history.Gap{Count: 1, First: far, Last: far}, Entries: []history.Entry{
		{Kind: history.Outcome, At: far, Topic: "t", Outcome: &history.Answer{Attempts: 1, EventTime: far}},
	}})
	if err != nil || strings.Count(string(text), `"+012345-06-07T08:09:10Z"`) != 4 {
		t.Fatalf("%s, %v", text, err)
	}
}

func TestAHistoryIsReadAsItWasWritten(t *testing.T) {
	at := time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC)
	want := history.History{TaskID: "7", Since: at, LeftOut: &history.Gap{Count: 2, First: at, Last: at}, Entries: []history.Entry{
		{Kind: history.Outcome, At: at, Topic: "t", Partition: 3, Offset: 4, Outcome: &history.Answer{Attempts: 1, Partition: 5, Offset: 6, EventTime: at}},
	}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got history.History
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v (%v)\n%s", got, want, err, text)
	}
}
