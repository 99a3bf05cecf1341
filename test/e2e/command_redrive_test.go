//go:build kafka

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// deadLetters makes n dead letters with the service, the i-th with the value
// {"i":i}, and stops it.
func (r *rig) deadLetters(n int) []*kgo.Record {
	r.t.Helper()
	r.start().ready()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{
			Key: fmt.Appendf(nil, "k%d", i%7), Value: fmt.Appendf(nil, `{"i":%d}`, i),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: nil}},
		}
	}
	r.publish(records...)
	r.finishWithoutRepeats(60 * time.Second)
	return records
}

// since reads the failed topic from these offsets to its end.
func (r *rig) since(from map[int32]int64) []*kgo.Record {
	r.t.Helper()
	to, err := r.ends(r.failed)
	if err != nil {
		r.t.Fatal(err)
	}
	offsets, want := map[int32]kgo.Offset{}, int64(0)
	for p, end := range to {
		if end > from[p] {
			offsets[p] = kgo.NewOffset().At(from[p])
			want += end - from[p]
		}
	}
	if want == 0 {
		return nil
	}
	client := r.newClient(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.failed: offsets}))
	var records []*kgo.Record
	for int64(len(records)) < want && r.ctx.Err() == nil {
		client.PollFetches(r.ctx).EachRecord(func(rec *kgo.Record) { records = append(records, rec) })
	}
	return records
}

func values(records []*kgo.Record) []string {
	var all []string
	for _, rec := range records {
		all = append(all, string(rec.Value))
	}
	slices.Sort(all)
	return all
}

func TestCommandRedriveInterruptedAndStartedAgainRepeatsNothing(t *testing.T) {
	r := newRig(t, options{})
	letters := r.deadLetters(2000)
	before, err := r.ends(r.failed)
	must(t, err)

	dry := r.command(nil, "redrive", "--dry-run", "--limit", "3").want(t, 0, "3 would be put back")
	if strings.Count(dry.out, "would put back "+r.deadLetter+"/") != 3 || len(r.since(before)) != 0 {
		t.Error(dry.all())
	}
	interrupts := 0
	for ; interrupts < 3; interrupts++ {
		from := len(r.since(before))
		s := r.commandUntil(nil, func() bool {
			ends, err := r.ends(r.failed)
			return err == nil && sum(ends)-sum(before) > int64(from)+300
		}, "redrive", "--rate", "1000")
		s.want(t, 1, "interrupted", "not looked at yet")
	}
	last := r.command(nil, "redrive").want(t, 0, " put back, 0 skipped\n")
	if strings.ContainsAny(last.all(), "\r\x1b█") {
		t.Errorf("a bar in a pipe: %q", last.all())
	}
	got := r.since(before)
	if !slices.Equal(values(got), values(letters)) {
		t.Errorf("%d records came back, want the %d dead letters, each once", len(got), len(letters))
	}
	for _, rec := range got {
		if string(rec.Key)[:1] != "k" || len(rec.Headers) != 3 || rec.Headers[0].Key != "h" || rec.Headers[1].Value != nil || rec.Headers[2].Key != "dead-letter-count" {
			t.Fatalf("%q %q", rec.Key, rec.Headers)
		}
	}
	r.command(nil, "redrive").want(t, 0, "0 put back")
}

func TestCommandRedriveBesideTheServiceEndsAndLeavesWhatComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.deadLetters(600)
	before, err := r.ends(r.failed)
	must(t, err)
	r.start().ready()
	r.command(nil, "redrive").want(t, 0, "600 put back, 0 skipped")
	r.addPublished(r.since(before)...)
	r.finishWithoutRepeats(60 * time.Second)
	again := r.command(nil, "redrive").want(t, 0, "0 put back, 600 skipped")
	if n := strings.Count(again.out, "it came back: it has been a dead letter 2 times, the last time for no_task_id"); n != 600 {
		t.Errorf("%d reasons:\n%.1000s", n, again.out)
	}
	if n := len(r.since(before)); n != 600 {
		t.Errorf("%d records were put back in all", n)
	}
}

func TestCommandRedriveFilteredLosesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.start().ready()
	var records []*kgo.Record
	for i := range 300 {
		value := fmt.Sprintf(`{"i":%d}`, i)
		if i%3 == 0 {
			value = fmt.Sprintf("not json %d", i)
		}
		records = append(records, &kgo.Record{Key: fmt.Appendf(nil, "k%d", i), Value: []byte(value)})
	}
	r.publish(records...)
	r.finishWithoutRepeats(30 * time.Second)
	before, err := r.ends(r.failed)
	must(t, err)
	r.command(nil, "redrive", "--reason", "not_json", "--limit", "10").want(t, 0, "10 put back")
	r.command(nil, "redrive", "--reason", "not_json").want(t, 0, "90 put back")
	r.command(nil, "redrive", "--task", "k1").want(t, 0, "1 put back")
	r.command(nil, "redrive").want(t, 0, "199 put back", "101 put back before")
	if got := r.since(before); !slices.Equal(values(got), values(records)) {
		t.Errorf("%d records came back, want %d, each once", len(got), len(records))
	}
}

func TestCommandRedriveTwiceAtTheSameTimeSharesTheWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	letters := r.deadLetters(1000)
	before, err := r.ends(r.failed)
	must(t, err)
	var running sync.WaitGroup
	for i := range 2 {
		running.Go(func() {
			<-time.After(time.Duration(i) * time.Second) // the second starts while the first works
			r.command(nil, "redrive", "--rate", "200").want(t, 0)
		})
	}
	running.Wait()
	if got := r.since(before); !slices.Equal(values(got), values(letters)) {
		t.Errorf("%d records came back, want %d, each once", len(got), len(letters))
	}
}

// After a kill only the uncommitted batch may come twice, and nothing is lost.
func TestCommandRedriveKilledRepeatsABatchAtMost(t *testing.T) {
	r := newRig(t, options{})
	letters := r.deadLetters(2000)
	before, err := r.ends(r.failed)
	must(t, err)
	s := launch(t, "redrive", r.env("HTTP_ADDR", ""), "redrive", "--rate", "2000")
	waitFor(t, 30*time.Second, "some to be put back", func() (bool, string) {
		ends, err := r.ends(r.failed)
		return err == nil && sum(ends)-sum(before) > 500, s.out.String()
	})
	s.kill()
	r.command(nil, "redrive").want(t, 0)
	got := values(r.since(before))
	extra := len(got) - len(letters)
	if unique := slices.Compact(got); len(unique) != len(letters) || extra > 100 {
		t.Errorf("%d different records came back, %d twice; want %d and at most a batch", len(unique), extra, len(letters))
	}
	t.Logf("after a kill -9 %d records came twice", extra)
}
