package sandbox

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

func TestTheStatusTellsMPCTheServiceAndWhatWaits(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 30, 0, time.UTC)
	for name, c := range map[string]struct {
		fault *fault
		since time.Time
		f     figures
		want  string
	}{
		"healthy from the start": {nil, time.Time{}, figures{available: true, perMinute: math.Inf(1)},
			"MPC healthy, service is calling, no event waits, 1.5 calls/s, no limit"},
		"healthy again": {nil, now.Add(-5 * time.Second), figures{available: true, perMinute: 95, waiting: map[string]int{"quota": 7, "backoff": 1}},
			"MPC healthy for 5 s, service is calling, 7 wait for quota, 1 back off, 1.5 calls/s, limit 95/min"},
		"Kafka holds up": {nil, time.Time{}, figures{available: true, perMinute: 95, waiting: map[string]int{"kafka": 3}},
			"MPC healthy, service is calling, 3 wait for Kafka, 1.5 calls/s, limit 95/min"},
		"throttled a while ago": {nil, time.Time{}, figures{available: true, perMinute: 1_116_621},
			"MPC healthy, service is calling, no event waits, 1.5 calls/s, limit 1.1M/min"},
		"down": {faultNamed("down"), now.Add(-30 * time.Second), figures{perMinute: math.Inf(1), waiting: map[string]int{"outage": 12}},
			"MPC down for 30 s, service holds calls back, 12 wait for MPC, 1.5 calls/s, no limit"},
	} {
		if got := strings.Join(statusOf(c.fault, c.since, now, c.f, 1.5), ", "); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestCallsASecondAreTheLastSecondsNotTheWholeRuns(t *testing.T) {
	var p rateMeter
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	if got := p.rate(now, 100); got != 0 {
		t.Errorf("at first %v", got)
	}
	for i := range 20 {
		p.rate(now.Add(time.Duration(i)*time.Second), 100+10*i)
	}
	if got := p.rate(now.Add(24*time.Second), 290); got != 0 {
		t.Errorf("after five seconds without a call %v", got)
	}
}

func TestTheStatusLineStaysBelowAndWithinTheWidth(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	p.setRaw(true)
	p.setStatus([]string{"MPC down for 3 s", "service holds calls back"}, 40)
	// 39 of 40 columns: a full line would scroll.
	if got := out.String(); got != erase+" MPC down for 3 s │ service holds calls" {
		t.Fatalf("%q", got)
	}
	drawn := strings.TrimPrefix(out.String(), erase)
	out.Reset()
	p.print(noColour, "an event")
	if got := out.String(); got != erase+"an event\r\n"+drawn {
		t.Errorf("%q", got)
	}
	out.Reset()
	var log bytes.Buffer
	if n, err := p.sideWriter(&log).Write([]byte("a line\n")); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := log.String(); got != erase+"a line\r\n"+drawn {
		t.Errorf("%q", got)
	}
	p.setRaw(false)
	p.print(noColour, "the end")
	if got := out.String(); got != erase+"the end\n" {
		t.Errorf("%q", got)
	}
}

func TestATerminalOfNoWidthIsNoPanic(t *testing.T) {
	p := newPrinter(&bytes.Buffer{})
	for width := range 3 {
		p.setStatus([]string{"MPC healthy"}, width)
	}
}

func TestFiguresAreReadAsPrometheusWritesThem(t *testing.T) {
	got, err := parseFigures(strings.NewReader(`# HELP remux_retrier_mpc_available Whether MPC serves (1) or calls are held back (0).
# TYPE remux_retrier_mpc_available gauge
remux_retrier_mpc_available 1
remux_retrier_mpc_available_for_other_things 0
remux_retrier_quota_per_minute 94.99999999999999
remux_retrier_waiting{for="backoff"} 2
remux_retrier_waiting{for="outage"} 6
remux_retrier_events_total{outcome="dead_letter",reason="not_json"} 4
`))
	if err != nil || !got.available || got.perMinute < 94 || got.waiting["backoff"] != 2 || got.waitingInAll() != 8 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := parseFigures(strings.NewReader("go_goroutines 12\n")); err == nil {
		t.Error("figures were read of a service that has not set them yet")
	}
}

func TestOnlyWhatIsAboutNoSingleEventIsRepeatedFromTheLog(t *testing.T) {
	for line, want := range map[string]string{
		`time="20:06:16.237" level=warning msg="MPC does not serve: \"held back\""`:                     `MPC does not serve: "held back"`,
		`time="20:06:16.237" level=info msg="MPC serves again"`:                                         "MPC serves again",
		`time="20:06:16.237" level=error msg=publishing partition=3`:                                    "publishing",
		`time="20:06:11.222" level=info msg=retried attempts=1 offset=0 partition=1 topic=remux.failed`: "",
		`time="20:06:11.222" level=warning msg="dead letter" offset=3 partition=1 reason=x`:             "",
		`time="20:06:10.669" level=info msg="partitions assigned" generation=1 partitions="[0 1 2 3]"`:  "",
		`panic: runtime error`: "",
	} {
		if got := logMessage(line); got != want {
			t.Errorf("%s: %q", line, got)
		}
	}
}
