package app

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"remux-retrier/consumer"
	"remux-retrier/internal/config"
	"remux-retrier/internal/ledger"
)

// Nothing is being published, or could be: only the ledger notices.
func TestADeletedTopicIsNamedByThePackageThatNoticesIt(t *testing.T) {
	k := config.Kafka{TopicRetried: "remux.retried", TopicRetryFailed: "remux.retry_failed", TopicRecovered: "remux.recovered"}
	gone := func(doing string) string {
		return fmt.Errorf("cannot read the outcome topics: %s: %w", doing, consumer.ErrUnknownTopic).Error()
	}
	for _, c := range []struct {
		publishing []string
		ledger     string
		want       []string
	}{
		{nil, "", nil},
		{[]string{"remux.failed.dlq"}, "", []string{"remux.failed.dlq"}},
		{nil, gone("look up topic remux.retried"), []string{"remux.retried"}},
		{[]string{"remux.retry_failed"}, gone("fetch remux.retry_failed/3 at offset 7"), []string{"remux.retry_failed"}},
		{nil, gone("look up topic remux.recovered"), []string{"remux.recovered"}},
		{nil, gone("look up topic remux.failed"), nil},
		{nil, "look up topic remux.retried: connection refused", nil},
	} {
		if got := absentTopics(consumer.Status{Absent: c.publishing}, ledger.Status{Problem: c.ledger}, k); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestPAGEHasEachCheckOfReadiness(t *testing.T) {
	guide, err := os.ReadFile("../../docs/PAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range (&readiness{}).checks() {
		if !strings.Contains(string(guide), "\n| `"+check.Name+"` | ") {
			t.Errorf("PAGE.md does not explain the check %s of /readyz", check.Name)
		}
	}
}
