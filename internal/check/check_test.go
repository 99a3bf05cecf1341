package check

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/config"
	"remux-retrier/mpcclient"
)

// result returns what a check has printed, and how often it failed.
func result(check func(c *Checker)) (text string, failed int) {
	var out bytes.Buffer
	c := &Checker{Config: Config{Out: &out, Now: time.Now}}
	c.Service.Retry.BudgetWindow = 24 * time.Hour
	check(c)
	return out.String(), c.failed
}

// want fails unless a check prints one line that begins with line; empty: none.
func want(t *testing.T, name, line string, check func(c *Checker)) {
	t.Helper()
	text, failed := result(check)
	if !strings.HasPrefix(text, line) || line == "" && text != "" || strings.Count(text, "\n") > 1 || failed != strings.Count(text, "FAIL") {
		t.Errorf("%s: %q and %d failed, want %q", name, text, failed, line)
	}
}

func TestDurabilityOfATopic(t *testing.T) {
	for name, c := range map[string]struct {
		replicas, inSync, minInSync int
		line                        string
	}{
		"as it should be":         {3, 3, 2, ""},
		"one replica behind":      {3, 2, 2, ""},
		"too few in sync":         {3, 1, 2, "FAIL  t: a partition has 1 replica in sync"},
		"more than there are":     {2, 2, 3, "FAIL  t: min.insync.replicas is 3, but there are 2"},
		"one broker stops it":     {2, 2, 2, "warn  t: min.insync.replicas is as large as"},
		"one replica":             {1, 1, 1, "warn  t: has one replica"},
		"acknowledged by one":     {3, 3, 1, "warn  t: min.insync.replicas is 1"},
		"setting is not a number": {3, 3, 0, ""},
	} {
		want(t, name, c.line, func(k *Checker) {
			k.durability("t", kafkalog.TopicState{Replicas: c.replicas, InSync: c.inSync}, c.minInSync)
		})
	}
}

func TestHowLongATopicKeepsItsRecords(t *testing.T) {
	all := uses(config.Kafka{TopicFailed: "failed", TopicRetried: "retried", TopicRetryFailed: "retry-failed", TopicDeadLetter: "dead"})
	failed, ledger, dead := all[0], all[1], all[3]
	for name, c := range map[string]struct {
		use    use
		policy string
		kept   time.Duration
		line   string
	}{
		"for ever":                 {ledger, "delete", unlimited, ""},
		"events for ever":          {failed, "delete", unlimited, ""},
		"as long as the window":    {ledger, "delete", 24 * time.Hour, ""},
		"shorter than the window":  {ledger, "delete", 23 * time.Hour, "warn  t: keeps its records for 23h0m0s, but RETRY_BUDGET_WINDOW"},
		"compacted ledger":         {ledger, "compact,delete", unlimited, "FAIL  t: cleanup.policy is compact,delete"},
		"compacted events":         {failed, "compact", unlimited, "warn  t: cleanup.policy is compact"},
		"events for an hour":       {failed, "delete", time.Hour, "warn  t: keeps its records for 1h0m0s only: events that an outage delays for longer are lost"},
		"events not at all":        {failed, "delete", 0, "warn  t: keeps its records for 0s only: events"},
		"outcomes not at all":      {ledger, "delete", 0, "warn  t: keeps its records for 0s, but RETRY_BUDGET_WINDOW"},
		"dead letters for an hour": {dead, "delete", time.Hour, "warn  t: keeps its records for 1h0m0s only: dead letters older than that cannot be redriven"},
		"events for a week":        {failed, "delete", 7 * 24 * time.Hour, ""},
	} {
		want(t, name, c.line, func(k *Checker) { k.keeps("t", c.use, c.policy, c.kept) })
	}
}

// A window that is shorter than a day is the operator's choice.
func TestAnOutcomeTopicMayKeepItsRecordsForLessThanADay(t *testing.T) {
	want(t, "outcomes", "", func(k *Checker) {
		k.Service.Retry.BudgetWindow = time.Hour
		k.keeps("t", uses(config.Kafka{TopicRetried: "retried"})[1], "delete", 2*time.Hour)
	})
}

func TestMissingRights(t *testing.T) {
	u := use{read: true, writeByCommand: "`retry`"}
	for name, c := range map[string]struct {
		rights kafkalog.Rights
		line   string
	}{
		"all":             {kafkalog.Rights{Known: true, Read: true, Write: true}, ""},
		"not known":       {kafkalog.Rights{}, ""},
		"needed":          {kafkalog.Rights{Known: true, Write: true}, "FAIL  t: the brokers' ACLs must allow READ"},
		"for one command": {kafkalog.Rights{Known: true, Read: true}, "warn  t: the brokers' ACLs do not allow WRITE on it: the service does not need it, but `retry`"},
	} {
		want(t, name, c.line, func(k *Checker) { k.rights("t", u, c.rights) })
	}
}

func TestWhatAnAnswerTellsOfTheCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		lines []string
	}{
		"served":             {nil, []string{"ok    authentication", "ok    state query"}},
		"not MPC's task":     {&mpcclient.Error{Operation: mpcclient.OperationQuery, Class: mpcclient.InvalidTask, Status: 400, Code: "MPC.10202"}, []string{"ok    authentication", "ok    state query: answered (MPC.10202)"}},
		"no permission":      {&mpcclient.Error{Operation: mpcclient.OperationQuery, Class: mpcclient.Operator, Status: 403, Code: "APIG.0302"}, []string{"ok    authentication", "warn  state query"}},
		"wrong token":        {&mpcclient.Error{Operation: mpcclient.OperationQuery, Class: mpcclient.Operator, Status: 401, Code: "APIG.0301"}, []string{"FAIL  authentication"}},
		"wrong password":     {&mpcclient.Error{Operation: mpcclient.OperationLogin, Class: mpcclient.Operator, Status: 401}, []string{"FAIL  authentication: IAM login"}},
		"down":               {&mpcclient.Error{Operation: mpcclient.OperationQuery, Class: mpcclient.Transient, Status: 503}, []string{"FAIL  state query"}},
		"throttled":          {&mpcclient.Error{Operation: mpcclient.OperationQuery, Class: mpcclient.Throttled, Status: 429}, []string{"FAIL  state query"}},
		"some other failure": {errors.New("odd"), []string{"FAIL  state query: odd"}},
	} {
		text, _ := result(func(k *Checker) {
			k.Service.MPC.Auth.Mode = config.TokenMode
			k.verdict(c.err)
		})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) != len(c.lines) {
			t.Errorf("%s: %q", name, text)
			continue
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, c.lines[i]) {
				t.Errorf("%s: %q, want %q", name, line, c.lines[i])
			}
			if strings.HasPrefix(line, "warn") && !strings.Contains(line, "MPC_PROJECT_ID") {
				t.Errorf("%s: %q does not name what else it may be", name, line)
			}
		}
	}
}

func TestRetentionIsReadAsBrokersWriteIt(t *testing.T) {
	for text, c := range map[string]struct {
		d    time.Duration
		says string
	}{
		"-1": {unlimited, "ever"}, "0": {0, "0s"}, "604800000": {7 * 24 * time.Hour, "7 days"}, "86400000": {24 * time.Hour, "1 day"}, "3600000": {time.Hour, "1h0m0s"},
		"9223372036854775807": {unlimited, "ever"}, "soon": {unlimited, "ever"},
	} {
		if d := retentionOf(text); d != c.d || forHowLong(d) != c.says {
			t.Errorf("%s: %v, %q", text, d, forHowLong(d))
		}
	}
}

func TestNothingFromOutsideMovesTheCursor(t *testing.T) {
	text, _ := result(func(c *Checker) { c.fail("broker", "%s", "\x1b[2J\nok    everything") })
	if strings.Contains(text, "\x1b") || strings.Count(text, "\n") != 1 {
		t.Errorf("%q", text)
	}
}

func TestWhatAnInterruptCutsShortHasNotFailed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	text, failed := result(func(c *Checker) {
		c.stopped = ctx.Err
		c.fail("broker", "context canceled")
		c.ok("clock", "right")
	})
	if text != "" || failed != 0 {
		t.Errorf("%q, %d failed", text, failed)
	}
}
