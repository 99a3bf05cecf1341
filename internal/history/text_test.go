package history_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/history"
)

func TestHostileIDsAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, id := range []string{"", "a\nb", "\x1b[2J", "\xff", strings.Repeat("9", 10<<20)} {
			h, err := w.reader(nil).Task(context.Background(), id)
			var u *events.Unreadable
			if !errors.As(err, &u) || len(err.Error()) > 300 || h.TaskID != "" {
				t.Errorf("%.20q: %v", id, err)
			}
		}
	})
}

func TestNoEscapeSequenceReachesATerminal(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.fail(0, `{"task_id":"7","description":"\u001b[2J\u202egpj","user_data":"asset-93f1"}`)
		w.answer("7", e, events.Rejected, func(o *events.Outcome) {
			o.Error = &events.APIError{Status: 403, Code: "\x1b[1m", Message: "\x1b]0;", RequestID: "\x07"}
		})
		if f := w.read().Entries[0].Failure; f == nil || f.UserData != "asset-93f1" {
			t.Errorf("the producer's user data is missing: %+v", f)
		}
		if text := strings.Join(w.read().Sentences(), "\n"); strings.ContainsAny(text, "\x1b\x07\u202e") {
			t.Errorf("%q", text)
		}
	})
}

func TestALetterIsNotSaidToBeMendedByItsProducer(t *testing.T) {
	letter := func(count int) string {
		return history.Entry{Kind: history.DeadLetter, DeadLetter: &history.Letter{Reason: events.NoTaskID, Message: "m", Count: count}}.Sentence()
	}
	for count, says := range map[int]string{1: "will not be retried in this form", 2: "`redrive` leaves it"} {
		if got := letter(count); !strings.Contains(got, says) || !strings.Contains(got, "`remux-retrier retry TASK_ID`") || strings.Contains(got, "producer") {
			t.Errorf("%d: %s", count, got)
		}
	}
}

func TestWhatIsNoTextMentionsNothing(t *testing.T) {
	if history.Mentions(nil, []byte("\xff 7 \xfe"), "7") || !history.Mentions([]byte("7"), []byte("\xff"), "7") || !history.Mentions(nil, []byte("ä 7"), "7") {
		t.Error("an id was found in bytes that are not text")
	}
}

func TestNothingBeyondTheLimitIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		for range 3 {
			w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		}
		for limit, complete := range map[int64]bool{2: false, 3: true} {
			h, err := w.reader(func(c *history.Config) { c.Limit = limit }).Outcomes(context.Background(), "7")
			if err != nil || h.Complete != complete || h.Read != limit || len(h.Entries) != int(limit) {
				t.Errorf("limit %d: %+v, %v", limit, h, err)
			}
		}
	})
}

// The data of CloudEvents may be in base64, which does not show the id.
func TestAnEventInBase64IsFound(t *testing.T) {
	inWorld(t, func(w *world) {
		data := base64.StdEncoding.EncodeToString([]byte(`{"task_id":"7"}`))
		w.fail(0, `{"specversion":"1.0","id":"1","source":"/p","type":"t","data_base64":"`+data+`"}`,
			consumer.Header{Key: "content-type", Value: []byte("application/cloudevents+json")})
		if got := kinds(w.read()); got != "failure_event(open)" {
			t.Errorf("told %q", got)
		}
	})
}

// Other programs may write to the outcome and the dead-letter topics too.
func TestTextsThatOthersWroteAreCutAndPrintable(t *testing.T) {
	inWorld(t, func(w *world) {
		long := strings.Repeat("ä", 100_000)
		u := &events.Unreadable{Reason: events.Defect("\x1b[2J" + long), Message: long}
		headers := events.DeadLetter(events.Source{Topic: "f"}, nil, u, len(long))
		w.b.Append("dlq", 0, consumer.Message{Key: []byte("7"), Headers: headers})
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Rejected, func(o *events.Outcome) {
			o.Error = &events.APIError{Code: "short", Message: "short", RequestID: "short"}
		})
		p, _ := w.m.PartitionFor(context.Background(), "bad", []byte("7"))
		answer := w.b.Records("bad")[0]
		value := strings.ReplaceAll(string(answer.Value), `"short"`, `"`+long+`"`)
		w.b.Append("bad", p, consumer.Message{Key: answer.Key, Value: []byte(value), Headers: answer.Headers})
		h := w.read()
		if kinds(h) != "failure_event dead_letter outcome(rejected) outcome(rejected)" { //nolint:dupword // no prose
			t.Fatal(kinds(h))
		}
		if text := strings.Join(h.Sentences(), "\n"); strings.Contains(text, "\x1b") || len(text) > 10_000 {
			t.Errorf("%d bytes, %.500q", len(text), text)
		}
	})
}
