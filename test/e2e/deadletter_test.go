//go:build kafka

package e2e

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// badInput has records that are no readable failure event, with the reason that
// the dead letter gives.
var badInput = map[string]struct {
	value  []byte
	reason string
}{
	"tombstone":           {nil, "tombstone"},
	"empty":               {[]byte{}, "not_json"},
	"not UTF-8":           {[]byte("{\"task_id\":\"\xff\xfe\"}"), "not_utf8"},
	"not JSON":            {[]byte(`task 538526 failed`), "not_json"},
	"cut off":             {[]byte(`{"task_id":"538526"`), "not_json"},
	"an array":            {[]byte(`["538526"]`), "unknown_shape"},
	"an exponent":         {[]byte(`{"task_id":5.385260e5}`), "invalid_task_id"},
	"a sign":              {[]byte(`{"task_id":-538526}`), "invalid_task_id"},
	"two ids":             {[]byte(`{"task_id":"1","task_id":"2"}`), "two_task_ids"},
	"two equal ids":       {[]byte(`{"task_id":"1","task_id":"1"}`), "two_task_ids"},
	"1,001 levels":        {[]byte(`{"task_id":"1","deep":` + nested(1001) + `}`), "too_deep"},
	"100,000 levels":      {[]byte(`{"task_id":"1","deep":` + nested(100_000) + `}`), "too_deep"},
	"null byte in the id": {[]byte("{\"task_id\":\"a\\u0000b\"}"), "invalid_task_id"},
	"raw null byte":       {[]byte("{\"task_id\":\"a\x00b\"}"), "not_json"},
	"white space in it":   {[]byte(`{"task_id":"a b"}`), "invalid_task_id"},
	"empty id":            {[]byte(`{"task_id":""}`), "invalid_task_id"},
	"long id":             {[]byte(`{"task_id":"` + strings.Repeat("1", 129) + `"}`), "invalid_task_id"},
	"no id":               {[]byte(`{"id":"538526"}`), "no_task_id"},
	"id in another case":  {[]byte(`{"Task_Id":"538526"}`), "no_task_id"},
	"null id":             {[]byte(`{"task_id":null}`), "no_task_id"},
	"large":               {slices.Concat([]byte(`{"x":"`), bytes.Repeat([]byte("é"), 450_000), []byte(`"}`)), "no_task_id"},
}

func TestBadInputGoesToTheDeadLettersByteForByte(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	// A nil value is not an empty one, and a header may occur twice.
	headers := []kgo.RecordHeader{
		{Key: "twice", Value: []byte("1")}, {Key: "twice", Value: []byte("2")}, {Key: "twice", Value: []byte("1")},
		{Key: "nil", Value: nil}, {Key: "empty", Value: []byte{}}, {Key: "", Value: []byte("no name")},
		{Key: "bytes", Value: []byte{0, 0xff, 0x80}}, {Key: "ce_id", Value: []byte("not ours")},
		{Key: "dead-letter-reason", Value: []byte("not ours")}, {Key: "dead-letter-count", Value: []byte("5")}, {Key: "last", Value: nil},
	}
	keys := [][]byte{nil, {}, []byte("key"), {0, 0xff}}
	events := map[string]*kgo.Record{}
	n := 0
	for name, bad := range badInput {
		events[name] = &kgo.Record{Key: keys[n%len(keys)], Value: bad.value, Headers: headers}
		n++
		r.publish(event("good-"+strings.NewReplacer(" ", "-", ",", "").Replace(name)), events[name])
	}
	r.start().ready()
	r.finishWithoutRepeats(40 * time.Second)
	r.calledOnce(t, len(badInput))

	for name, bad := range badInput {
		rec := events[name]
		letter := r.collector.letter(rec)
		if letter == nil {
			t.Errorf("%s: no dead letter", name)
			continue
		}
		if !same(letter.Key, rec.Key) || !same(letter.Value, rec.Value) {
			t.Errorf("%s: key %q, value of %d bytes (nil: %v); want %q, %d bytes (nil: %v)",
				name, letter.Key, len(letter.Value), letter.Value == nil, rec.Key, len(rec.Value), rec.Value == nil)
		}
		if !slices.EqualFunc(letter.Headers[:min(len(headers), len(letter.Headers))], headers, sameHeader) {
			t.Errorf("%s: headers %q do not begin with the record's own", name, letter.Headers)
			continue
		}
		added := headersOf(&kgo.Record{Headers: letter.Headers[len(headers):]})
		if added["dead-letter-reason"] != bad.reason || added["dead-letter-topic"] != r.failed || added["dead-letter-count"] != "1" || len(added) != 7 {
			t.Errorf("%s: the added headers are %q, want the reason %s", name, added, bad.reason)
		}
		if len(strings.Fields(added["dead-letter-message"])) < 4 {
			t.Errorf("%s: dead-letter-message is not a sentence: %q", name, added["dead-letter-message"])
		}
	}
}

func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func sameHeader(a, b kgo.RecordHeader) bool { return a.Key == b.Key && same(a.Value, b.Value) }

func TestADeadLetterThatDoesNotFitHoldsUpItsPartitionOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 2})
	r.limit(r.deadLetter, 10_000)
	byHand := r.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	large := &kgo.Record{Partition: 0, Key: []byte("538526"), Value: incompressible(20_000)}
	r.publishWith(byHand, large)
	s := r.start("LOG_FORMAT", "text")
	s.waitForLog("max.message.bytes") // the warning at start

	isStuck := func() (bool, string) {
		status, body := s.get("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, r.deadLetter) && strings.Contains(body, "max.message.bytes"), body
	}
	s.waitFor(30*time.Second, "to show in /readyz what is stuck", isStuck)
	s.waitFor(10*time.Second, "to show on the page why the task is not retried", func() (bool, string) {
		_, body := s.get("/api/tasks/538526?topics=false")
		return strings.Contains(body, `"code":"stuck"`) && strings.Contains(body, "rejects a message of 20006 bytes"), body
	})
	var others []*kgo.Record
	for i, task := range []string{"a", "b", "c", "d", "e", "f"} {
		rec := event(task)
		rec.Partition = int32(i % 2)
		others = append(others, rec)
	}
	r.publishWith(byHand, others...)
	r.waitForAnswers(len(others), 20*time.Second)
	if at, err := r.committed(); err != nil || at[0] > large.Offset {
		t.Errorf("committed %v (%v): the dead letter at %d is not written", at, err, large.Offset)
	}
	if ok, body := isStuck(); !ok {
		t.Errorf("/readyz no longer says what is stuck: %s", body)
	}
	if status, body := s.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz says %d %s: a restart would not help", status, body)
	}
	r.limit(r.deadLetter, 1_048_588)
	s.ready()
	r.finishWithoutRepeats(60 * time.Second)
	if letter := r.collector.letter(large); letter == nil || !same(letter.Value, large.Value) {
		t.Error("the dead letter is not complete")
	}
}

// incompressible returns bytes that are not UTF-8 and that no codec makes smaller.
func incompressible(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	b[0] = 0xff
	return b
}

// If the headers make a dead letter too large, its message is left out, never a
// byte of the record.
func TestADeadLetterThatJustFitsLosesItsMessageOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 1})
	const limit = 10_000
	r.limit(r.deadLetter, limit)
	// What a batch of one record adds to the value: the framing, and the seven
	// headers with an empty message. 20 bytes are left: too few for the message.
	added := 61 + 10 + 181 + len(r.failed)
	tight := &kgo.Record{Value: incompressible(limit - added - 20)}
	r.publish(tight)
	r.start().ready()
	r.finishWithoutRepeats(30 * time.Second)
	letter := r.collector.letter(tight)
	if letter == nil || !same(letter.Value, tight.Value) {
		t.Fatal("the record is not complete")
	}
	h := headersOf(letter)
	if message, kept := h["dead-letter-message"]; h["dead-letter-reason"] != "not_utf8" || message != "" || !kept {
		t.Errorf("headers %q: want the reason and an empty message", h)
	}
}
