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
	p.printHeader(time.Now())
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

// At 80 columns a line of 120 is broken by the terminal in the middle of a word.
func TestEverythingFits80ColumnsAndFollowsTheWidth(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	columns := 80
	p.columns = func() int { return columns }
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("", 8*3600))
	event := row{
		at: at, event: "plain, always-failing task", task: "18446744073710538527", reason: "attempts_exhausted", topic: "remux.retry_failed",
		happened: []string{"call → 500 APIGW.0605 ×12 in 31.0 s", "query → PROCESSING", "call → 403 MPC.10213", "wait 12.0 s"},
	}
	p.printHeader(at)
	p.printRow(event)
	for _, f := range catalogue {
		p.wrapped(yellow, "── ", f.announce(at))
	}
	p.wrapped(bold, "", totals{seen: 120, settled: 100, reasons: map[kind]map[string]int{
		retried: {"accepted": 40}, retryFailed: {"rejected": 30}, deadLetter: {"not_json": 20}, ignored: {"ignored": 10},
	}}.words(time.Minute))
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(line) > 81 {
			t.Errorf("too long: %s", line)
		}
	}
	for _, part := range []string{"TIME+08:00", "08:00:00.0  plain, always-failing task", "APIGW.0605 ×12", "remux.retry_failed", "08:00:00.0 +08:00  MPC "} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing:\n%s", part, &out)
		}
	}
	out.Reset()
	columns = 120
	p.printRow(event)
	if first, _, _ := strings.Cut(out.String(), "\n"); !strings.HasSuffix(first, "attempts_exhausted remux.retry_failed") {
		t.Errorf("a wider terminal is not used: %s", first)
	}
}

// What a narrower terminal has broken into rows must not be left standing.
func TestAStatusLineThatTheTerminalHasBrokenIsErasedWhole(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	columns := 120
	p.columns = func() int { return columns }
	p.setRaw(true)
	p.setStatus([]string{"MPC healthy"}, columns)
	columns = 50
	out.Reset()
	p.setStatus([]string{"MPC healthy"}, columns)
	if got := out.String(); !strings.HasPrefix(got, "\x1b[2A"+erase) {
		t.Errorf("119 characters in rows of 50: %q", got)
	}
	out.Reset()
	p.print(noColour, "an event")
	if got := out.String(); !strings.HasPrefix(got, erase) {
		t.Errorf("the width has not changed since: %q", got)
	}
}

func TestTheSummarysPartsAddUp(t *testing.T) {
	for want, s := range map[string]totals{
		"29 events in 4.2 s: 9 retried, 6 not retried, 9 unreadable, 3 recovered, 1 no failure and 1 without an answer yet.": {seen: 29, settled: 28, reasons: map[kind]map[string]int{
			retried: {"accepted": 8, "already_running": 1}, retryFailed: {"rejected": 6}, deadLetter: {"not_json": 9}, ignored: {"ignored": 1}, recovered: {"recovered": 3},
		}},
		"2 events in 4.2 s: 1 retried and 1 unreadable.": {seen: 2, settled: 2, reasons: map[kind]map[string]int{retried: {"accepted": 1}, deadLetter: {"not_json": 1}}},
		"1 event in 4.2 s: 1 retried.":                   {seen: 1, settled: 1, reasons: map[kind]map[string]int{retried: {"accepted": 1}}},
	} {
		if got := s.words(4200 * time.Millisecond); got != want {
			t.Errorf("%s, want %s", got, want)
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
	var requests taskRequests
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
		requests.add(s.seen, s.state, at(s.to))
	}
	want := []string{"call → 503 APIGW.0613 ×3 in 2.0 s", "wait 0.5 s", "call → no answer", "query → PROCESSING"}
	if got := requests.describe(start); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if requests.calls != 4 {
		t.Errorf("%d calls", requests.calls)
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
