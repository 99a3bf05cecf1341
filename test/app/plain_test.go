package app_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/app"
)

// hostile has control sequences that move a terminal's cursor, set its title, and change
// the writing direction.
const hostile = "\x1b]0;pwned\x07\x1b[2J\u009b1A\u202egpj\u2066\u200b\r"

func wantPlain(t *testing.T, where, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' && r != '\t' }); i >= 0 {
		t.Errorf("%s: %q", where, text[max(0, i-60):min(len(text), i+60)])
	}
}

func TestNothingFromOutsideReachesTheTerminalButText(t *testing.T) {
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		env, client := traced(t, "")
		env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["LOG_FORMAT"], env["LOG_LEVEL"], env["RETRY_SKIP_CODES"] = "", format, "trace", "MPC.10052"
		output, stop := start(t, env)
		text := string(quoted[1 : len(quoted)-1])
		for _, value := range []string{
			`{"task_id":"1","error_code":"` + text + `","description":"` + text + `","id":"` + text + `"}`,
			`{"task_id":"1","error_code":"MPC.10052","description":"` + text + `"}`,
			`{"specversion":"1.0","id":"` + text + `","source":"s","type":"` + text + `","data":{"task_id":"1"}}`,
			`{"task_id":"1","task_id":"` + text + `"}`,
			text + hostile,
		} {
			r := &kgo.Record{
				Topic: "remux.failed", Key: []byte(hostile), Value: []byte(value),
				Headers: []kgo.RecordHeader{{Key: hostile, Value: []byte(hostile)}, {Key: "traceparent", Value: []byte(hostile)}, {Key: "ce_id", Value: []byte(hostile)}},
			}
			if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		forged := &kgo.Record{Topic: "remux.failed.dlq", Key: []byte(hostile), Value: []byte("1 " + hostile), Headers: []kgo.RecordHeader{
			{Key: "dead-letter-reason", Value: []byte(hostile)}, {Key: "dead-letter-message", Value: []byte(hostile)},
		}}
		if err := client.ProduceSync(t.Context(), forged).FirstErr(); err != nil {
			t.Fatal(err)
		}
		outcomes(t, client, 1)
		await(t, output, "dead letter")
		stop()
		wantPlain(t, "the log as "+format, output.String())

		for _, args := range [][]string{
			{"explain", "1"}, {"explain", "--json", "1"}, {"explain", hostile}, {"explain", "MPC.1" + hostile}, {"retry", hostile}, {hostile},
			{"redrive", "--dry-run"}, {"redrive", "--reason", hostile}, {"redrive", "--task", hostile}, {"redrive"}, {"check"}, {"explain", "--" + hostile},
			{"run", hostile}, {"help", hostile},
		} {
			var out safeBuffer
			_ = app.Run(t.Context(), args, "v", &out, &out, nil)
			if out.String() == "" {
				t.Errorf("%q prints nothing", args)
			}
			wantPlain(t, strings.Join(args, " "), out.String())
		}
	}
}

func TestABadSettingIsShownAsText(t *testing.T) {
	for _, name := range []string{"KAFKA_BROKERS", "MPC_ENDPOINT", "RETRY_SKIP_CODES", "KAFKA_TLS_CA_FILE", "MPC_CA_FILE", "KAFKA_" + hostile} {
		t.Setenv(name, "/"+hostile)
	}
	for _, args := range [][]string{nil, {"check"}, {"explain", "1"}} {
		var out safeBuffer
		_ = app.Run(t.Context(), args, "v", &out, &out, nil)
		wantPlain(t, strings.Join(args, " "), out.String())
	}
}
