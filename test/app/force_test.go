package app_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/events"
)

// Otherwise every producer of failure events could cause costs without a limit.
func TestAForcedEventIsForcedOnlyWhereThatIsAllowed(t *testing.T) {
	for allowed, reason := range map[string]string{"true": "reason=accepted", "false": "reason=not_retryable"} {
		env, client := traced(t, "")
		env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["RETRY_SKIP_CODES"], env["RETRY_ALLOW_FORCE"] = "", "MPC.10052", allowed
		output, stop := start(t, env)
		r := &kgo.Record{
			Topic: "remux.failed", Value: []byte(`{"task_id":"1","error_code":"MPC.10052"}`),
			Headers: []kgo.RecordHeader{{Key: events.ForceHeader, Value: []byte("true")}},
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		await(t, output, reason)
		stop()
	}
}

func TestForceIsRefusedWhereItWouldBeIgnored(t *testing.T) {
	for name, value := range environment(t, allTopics()) {
		t.Setenv(name, value)
	}
	t.Setenv("RETRY_ALLOW_FORCE", "false")
	expect(t, perform(t, 1, "retry", "--force", "1"), "RETRY_ALLOW_FORCE is false")
}
