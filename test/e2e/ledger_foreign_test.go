//go:build kafka

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// Other programs may write to the outcome topics. Records of other groups answer
// nothing, those of other versions of the service do, and none holds up the work.
// The outcome topics have other partition counts than the failed topic.
func TestForeignRecordsInTheOutcomeTopicsHaveNoEffect(t *testing.T) {
	t.Parallel()
	const each = 20
	r := newRig(t, options{noTopics: true, sim: mpcsim.Config{Then: mpcsim.StatusFailed}})
	r.create(4, r.failed)
	r.create(3, r.retried)
	r.create(7, r.retryFailed)
	r.create(1, r.deadLetter)
	own := r.load("own", each)
	s := r.start().ready()
	r.waitForAnswers(each, 30*time.Second)
	s.stop()

	foreign, newer, older := r.load("foreign", each), r.load("newer", each), r.load("older", each)
	drafts := r.answersOfAnotherGroup(4 * each)
	calls := r.mpc.Counters().Retries
	ours := r.collector.of(own[0]).headers["ce_source"]
	var records []*kgo.Record
	for _, rec := range foreign {
		records = append(records, mark(rewrite(t, drafts[locationOf(rec)], "", nil)))
	}
	for _, rec := range newer { // an unknown reason and unknown fields
		records = append(records, rewrite(t, drafts[locationOf(rec)], ours, map[string]any{"reason": "postponed", "covers": "everything", "version": 2}))
	}
	for _, rec := range older { // without fields that were added later
		records = append(records, rewrite(t, drafts[locationOf(rec)], ours, map[string]any{"retries": nil, "covers": nil}))
	}
	garbage := r.garbage(ours, drafts[locationOf(foreign[0])])
	for _, topic := range []string{r.retried, r.retryFailed} {
		for _, rec := range garbage {
			copied := *rec
			copied.Topic = topic
			records = append(records, &copied)
		}
	}
	must(t, r.client.ProduceSync(r.ctx, records...).FirstErr())

	s = r.start().ready()
	again := r.publish(event("older-0"))[0]
	r.waitForAnswers(r.expectedAnswers(), 30*time.Second)
	s.ready()
	metrics := s.scrape()
	r.finishWithoutRepeats(30 * time.Second)

	n := r.mpc.Counters()
	t.Logf("%d answers of another group, %d of a newer and %d of an older version, %d garbage: %d calls for %d events that had no answer, %v foreign and %v unreadable records counted",
		each, each, each, 2*len(garbage), n.Retries-calls, each+1, metrics.sum("ledger_skipped_total", "foreign", false), metrics.sum("ledger_skipped_total", "unreadable", false))
	if n.Retries-calls != each+1 || n.Queries != 0 {
		t.Errorf("%d calls and %d queries, want %d calls: only those events had no answer", n.Retries-calls, n.Queries, each+1)
	}
	for _, rec := range foreign {
		if o := r.collector.of(rec); o.Reason != "accepted" || o.Retries != 1 {
			t.Errorf("another group's answer was taken for the group's own: %s", o.record.Value)
		}
	}
	if o := r.collector.of(again); o.Reason != "accepted" || o.Retries != 2 {
		t.Errorf("a retry in an older version's outcome was not counted: %s", o.record.Value)
	}
	if got := metrics.sum("ledger_skipped_total", "foreign", false); got != each {
		t.Errorf("%v foreign records were counted, there are %d", got, each)
	}
	if got, want := metrics.sum("ledger_skipped_total", "unreadable", false), float64(each+2*len(garbage)); got != want {
		t.Errorf("%v unreadable records were counted, there are %v", got, want)
	}
}

// answersOfAnotherGroup lets another group answer the same n events on its own
// topics, and returns its outcomes.
func (r *rig) answersOfAnotherGroup(n int) map[location]*outcome {
	r.t.Helper()
	name := r.group + ".other"
	other := &rig{
		t: r.t, ctx: r.ctx, brokers: r.brokers, admin: r.admin, client: r.client, mpc: r.mpc, program: r.program,
		group: name, failed: r.failed, retried: name + ".retried", retryFailed: name + ".retry_failed", deadLetter: name + ".failed.dlq",
	}
	other.create(1, other.retried, other.retryFailed, other.deadLetter)
	other.collector = collect(other)
	s := other.start().ready()
	other.waitForAnswers(n, 30*time.Second)
	s.stop()
	return other.collector.outcomes
}

// rewrite returns a changed copy of an outcome, for this group's topics. A source
// that is not empty replaces ce_source. fields replace fields of the value; nil
// removes one.
func rewrite(t *testing.T, o *outcome, source string, fields map[string]any) *kgo.Record {
	t.Helper()
	var value map[string]any
	must(t, json.Unmarshal(o.record.Value, &value))
	maps.Copy(value, fields)
	maps.DeleteFunc(value, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(value)
	must(t, err)
	rec := &kgo.Record{Key: o.record.Key, Value: text}
	rec.Topic = strings.Replace(o.record.Topic, ".other", "", 1)
	for _, h := range o.record.Headers {
		if h.Key == "ce_source" && source != "" {
			h.Value = []byte(source)
		}
		rec.Headers = append(rec.Headers, h)
	}
	return rec
}

// mark makes the collector ignore the record.
func mark(rec *kgo.Record) *kgo.Record {
	rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: foreignHeader})
	return rec
}

// garbage returns records that are no outcome of any group.
func (r *rig) garbage(source string, o *outcome) (records []*kgo.Record) {
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	for i, headers := range [][]kgo.RecordHeader{
		nil,
		{header("ce_source", source)},
		{header("ce_id", o.headers["ce_id"])}, // no source
		{header("ce_id", "no location"), header("ce_source", source)},
		{header("ce_id", fmt.Sprintf("%s:-1:x:9999999999999999999999", r.failed)), header("ce_source", source)},
		{header("ce_id", "\x00\xff"), header("ce_source", "\xff")},
	} {
		for _, value := range [][]byte{nil, {}, []byte("{"), o.record.Value, bytes.Repeat([]byte("x"), 900_000)} {
			records = append(records, mark(&kgo.Record{Key: fmt.Append(nil, i), Value: value, Headers: headers}))
		}
	}
	return records
}
