package sandbox

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"remux-retrier/internal/mpcsim"
)

func TestLinesBreakBetweenStepsAndLoseNothing(t *testing.T) {
	for _, c := range []struct {
		items []string
		want  []string
	}{
		{nil, []string{""}},
		{[]string{"call → 200"}, []string{"call → 200"}},
		{[]string{"call → 503", "wait 1 s", "call → 200"}, []string{"call → 503, wait 1 s,", "call → 200"}},
		{[]string{"a sentence that is longer than a line"}, []string{"a sentence that is", "longer than a line"}},
	} {
		if got := wrap(c.items, 21); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.items, got, c.want)
		}
	}
}

func TestColumnsStandUnderEachOther(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.printHeader()
	for _, task := range []string{"1", "18446744073710538527", "–"} {
		p.printRow(row{event: "plain", task: task, happened: []string{"call → 200", "query → PROCESSING", "call → 403 MPC.10213"}, reason: "accepted", topic: "remux.retried"})
	}
	lines := strings.Split(out.String(), "\n")
	column := utf8.RuneCountInString(lines[0][:strings.Index(lines[0], "ANSWER")])
	for _, line := range lines[1:] {
		if at := strings.Index(line, "accepted"); at >= 0 && utf8.RuneCountInString(line[:at]) != column {
			t.Errorf("the answer is in another column:\n%s", &out)
		}
		if utf8.RuneCountInString(line) > 120 {
			t.Errorf("%d characters: %s", utf8.RuneCountInString(line), line)
		}
	}
}

func TestColoursAreForTerminalsAndNotUnderNOCOLOR(t *testing.T) {
	device, err := os.Open(os.DevNull) // a character device, as terminals are
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for _, c := range []struct {
		noColor, term string
		w             io.Writer
		plain         bool
	}{
		{"", "xterm", device, false},
		{"1", "xterm", device, true},
		{"", "dumb", device, true},
		{"", "xterm", &bytes.Buffer{}, true},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("TERM", c.term)
		if got := newPrinter(c.w).plain; got != c.plain {
			t.Errorf("NO_COLOR=%s TERM=%s %T: plain is %v", c.noColor, c.term, c.w, got)
		}
	}
}

func TestATrailTellsCallsQueriesAndWaits(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var tr taskRequests
	for _, s := range []struct {
		from, to int
		seen     mpcsim.Request
		state    mpcsim.Status
	}{
		{10, 20, mpcsim.Request{Operation: mpcsim.Retry, Verdict: mpcsim.Faulty, Status: 503, Code: "APIGW.0613"}, ""},
		{1020, 1030, mpcsim.Request{Operation: mpcsim.Retry, Verdict: mpcsim.Faulty, Status: 503, Code: "APIGW.0613"}, ""},
		{2020, 2030, mpcsim.Request{Operation: mpcsim.Retry, Verdict: mpcsim.Faulty, Status: 503, Code: "APIGW.0613"}, ""},
		{2530, 2540, mpcsim.Request{Operation: mpcsim.Retry, Verdict: mpcsim.Accepted, Lost: true}, ""},
		{2550, 2560, mpcsim.Request{Operation: mpcsim.Query, Verdict: mpcsim.Accepted, Status: 200}, mpcsim.StatusProcessing},
	} {
		s.seen.At = at(s.from)
		tr.add(s.seen, s.state, at(s.to))
	}
	want := []string{"call → 503 APIGW.0613 ×3 in 2.0 s", "wait 0.5 s", "call → no answer", "query → PROCESSING"}
	if got := tr.describe(start); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if tr.calls != 4 {
		t.Errorf("%d calls", tr.calls)
	}
}

func TestASlowCallSaysHowLongItTookAndALostOneIsRemembered(t *testing.T) {
	start := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var slow, lost taskRequests
	slow.add(mpcsim.Request{Operation: mpcsim.Retry, Verdict: mpcsim.Accepted, Status: 200, At: start}, "", start.Add(700*time.Millisecond))
	lost.add(mpcsim.Request{Operation: mpcsim.Retry, Verdict: mpcsim.Accepted, Lost: true, At: start}, "", start)
	if got := slow.describe(start); !slices.Equal(got, []string{"call → 200 in 0.7 s"}) || slow.lost || !lost.lost {
		t.Errorf("%q; lost: %v, %v", got, slow.lost, lost.lost)
	}
}
