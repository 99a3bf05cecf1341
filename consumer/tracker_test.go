package consumer

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/internal/clock"
)

// bounded returns a tracker with a look-ahead of its own.
func bounded(c clock.Clock, low int64, m CommitMetadata, end int64, events, bytes int) *tracker {
	return newTracker(c, low, m, end, newLookAhead(events, bytes, 1), events)
}

// may reports whether a call for the event may start.
func may(tr *tracker, e *entry) bool {
	may, _ := tr.beginCall(e)
	return may
}

func mustTrack(t *testing.T, tr *tracker, offset int64, bytes int) *entry {
	t.Helper()
	e, err := tr.track(t.Context(), &Record{Offset: offset, Value: make([]byte, bytes)})
	if err != nil || e == nil {
		t.Fatalf("offset %d: %v, %v", offset, e, err)
	}
	return e
}

func TestOneStuckEventDoesNotHoldTheMemoryOfAllBehindIt(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, 10, 1<<20)
	mustTrack(t, tr, 0, 1)
	for at := int64(1); at <= 100_000; at++ {
		tr.resolve(mustTrack(t, tr, at, 1))
		if len(tr.entries) > 50 {
			t.Fatalf("%d entries are held after %d events, of which one is unanswered", len(tr.entries), at)
		}
	}
	low, m := tr.position(false)
	if want := []Interval{{1, 100_001}}; low != 0 || !reflect.DeepEqual(m.Done, want) {
		t.Errorf("commit at %d with %+v", low, m.Done)
	}
}

func TestLookAheadBlocksUntilAnEventIsAnswered(t *testing.T) {
	for name, bound := range map[string]struct{ events, bytes int }{
		"by count":               {2, 1 << 20},
		"by bytes":               {1000, 2 * (100 + eventBytes)},
		"by bytes, one too many": {1000, 3*(100+eventBytes) - 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := bounded(clock.System, 0, CommitMetadata{}, 0, bound.events, bound.bytes)
				first := mustTrack(t, tr, 0, 100)
				mustTrack(t, tr, 1, 100)
				tracked := false
				go func() {
					mustTrack(t, tr, 2, 100)
					tracked = true
				}()
				synctest.Wait()
				if tracked {
					t.Fatal("a third event was taken on")
				}
				tr.resolve(first)
				synctest.Wait()
				if !tracked {
					t.Fatal("there is room, and the third event is not taken on")
				}
			})
		})
	}
}

func TestAnEventLargerThanTheLookAheadPassesAlone(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, 10, 100)
	e := mustTrack(t, tr, 0, 5000)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := errors.New("ended")
	cancel(ended)
	if _, err := tr.track(ctx, &Record{Offset: 1, Value: []byte("x")}); !errors.Is(err, ended) {
		t.Errorf("a second event beside it: %v", err)
	}
	tr.resolve(e)
	mustTrack(t, tr, 1, 5000)
}

func TestHeadersCountAsBytesHeld(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, 10, 100)
	r := Record{Offset: 0, Key: []byte("123"), Value: []byte("45"), Headers: []Header{{Key: "67", Value: []byte("89")}}}
	if _, err := tr.track(t.Context(), &r); err != nil || tr.held.bytes != 9+HeaderBytes+eventBytes {
		t.Errorf("%d bytes are held, %v", tr.held.bytes, err)
	}
}

func TestNoCallBeginsAtOrAboveTheAcknowledgedH(t *testing.T) {
	tr := bounded(clock.System, 10, CommitMetadata{Called: 12}, 0, 10, 1<<20)
	at11, at12 := mustTrack(t, tr, 11, 1), mustTrack(t, tr, 12, 1)
	if may(tr, at11) {
		t.Error("a call began before this generation committed anything")
	}
	tr.acknowledged(12)
	if !may(tr, at11) || may(tr, at12) {
		t.Error("with called=12 committed, 11 may begin and 12 must not")
	}
}

func TestCleanDoesNotOutliveTheFirstCall(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, 10, 1<<20)
	_, m := tr.position(false)
	tr.acknowledged(m.Called)
	e := mustTrack(t, tr, 0, 1)
	if m.Called != 0 || may(tr, e) {
		t.Fatal("the call began after a clean commit")
	}
	if _, m = tr.position(false); m.Called == 0 {
		t.Fatal("the next commit would be clean still")
	}
	tr.acknowledged(m.Called)
	if !may(tr, e) {
		t.Fatal("the commit allows the call, and it does not begin")
	}
	if _, m = tr.position(true); m.Called == 0 {
		t.Error("the last commit is clean, with a call in doubt")
	}
	tr.callHadNoEffect(e)
	if _, m = tr.position(true); m.Called != 0 {
		t.Error("no call is in doubt, and the last commit is not clean")
	}
}

func TestInheritedDoubtLastsUntilAllBelowItWasSeen(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{Called: 3}, 0, 10, 1<<20)
	tr.resolve(mustTrack(t, tr, 0, 1))
	tr.resolve(mustTrack(t, tr, 1, 1))
	if _, m := tr.position(true); m.Called != 3 {
		t.Errorf("called=%d, and offset 2 was not even fetched", m.Called)
	}
	e := mustTrack(t, tr, 2, 1)
	if _, m := tr.position(true); m.Called != 3 {
		t.Errorf("called=%d, and offset 2 was not settled", m.Called)
	}
	tr.resolve(e)
	if _, m := tr.position(true); m.Called != 0 {
		t.Errorf("called=%d, and all is answered", m.Called)
	}
}

func TestOldestIsTheOldestUnanswered(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, 10, 1<<20)
	start := time.Unix(1e9, 0)
	var entries []*entry
	for i, age := range []time.Duration{5, 1, 9} {
		e, _ := tr.track(t.Context(), &Record{Offset: int64(i), Time: start.Add(age * time.Second)})
		entries = append(entries, e)
	}
	tr.resolve(entries[1])
	if n, oldest := tr.waiting(); n != 2 || !oldest.Equal(start.Add(5*time.Second)) {
		t.Errorf("%d wait, the oldest since %v", n, oldest)
	}
	for i, none := range []time.Time{time.UnixMilli(-1), time.UnixMilli(0), time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)} {
		if _, err := tr.track(t.Context(), &Record{Offset: int64(3 + i), Time: none}); err != nil {
			t.Fatal(err)
		}
	}
	if n, oldest := tr.waiting(); n != 5 || !oldest.Equal(start.Add(5*time.Second)) {
		t.Errorf("%d wait, the oldest since %v: records without a time count", n, oldest)
	}
}

// A thousand calls a second, with commits that take 100 ms: the high-water mark must be
// raised so far ahead, and commits requested so early, that only the calls of the first
// second wait. The same must hold if most records are not called.
func TestTheCallHighWaterMarkIsRaisedAheadOfManyCalls(t *testing.T) {
	for _, each := range []int64{1, 20} {
		raisedAhead(t, each)
	}
}

// raisedAhead fails if calls for one record in every each wait too often.
func raisedAhead(t *testing.T, each int64) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, int(1000*each), 1<<20)
	const takes = 100 // calls that start during a commit
	waited, commits := make([]int, 5), make([]int, 5)
	stored, carried := int64(-1), int64(0) // at which call the current commit is acknowledged, and its high-water mark
	for at := range int64(5000) {
		second := at / 1000
		if at%1000 == 0 {
			tr.tick()
		}
		if at == stored {
			tr.acknowledged(carried)
			stored = -1
		}
		e := mustTrack(t, tr, at*each, 1)
		may, wanted := tr.beginCall(e)
		if wanted && stored < 0 {
			_, m := tr.position(false)
			stored, carried = at+takes, m.Called
			commits[second]++
		}
		if !may {
			waited[second]++
			_, m := tr.position(false)
			tr.acknowledged(m.Called)
			stored = -1
			if may, _ := tr.beginCall(e); !may {
				t.Fatal("the commit did not allow the call")
			}
		}
		tr.resolve(e)
	}
	if waited[0] > 15 || waited[1]+waited[2]+waited[3]+waited[4] > 0 {
		t.Errorf("one record in %d is called: commits that a call waited for, by second: %v", each, waited)
	}
	if commits[1] > 3 || commits[4] > 3 {
		t.Errorf("one record in %d is called: commits that were asked for, by second: %v", each, commits)
	}
	if tr.lead.called > (5000+2500)*each {
		t.Errorf("one record in %d is called: the high-water mark is %d: a crash would put that many events in doubt", each, tr.lead.called)
	}
}

// A jump over offsets answered long ago says nothing about the calls to come.
func TestTheCallHighWaterMarkIsRaisedByTheLookAheadAtMost(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{}, 0, 10, 1<<20)
	mustTrack(t, tr, 0, 1)
	tr.beginCall(mustTrack(t, tr, 1_000_000, 1))
	if _, m := tr.position(false); m.Called != 1_000_011 {
		t.Errorf("the high-water mark is %d after a call at 1,000,000, with a look-ahead of 10", m.Called)
	}
}

// The distance between a former owner's calls and its high-water mark does not count:
// otherwise each crash in a row would put more events in doubt, and querying them costs
// quota.
func TestDoubtDoesNotGrowWithEachCrash(t *testing.T) {
	tr := bounded(clock.System, 0, CommitMetadata{Called: 100}, 200, 1000, 1<<20)
	tr.beginCall(mustTrack(t, tr, 100, 1))
	if _, m := tr.position(false); m.Called != 102 {
		t.Errorf("the high-water mark is %d after one call at 100, where the crashed owner's was 100", m.Called)
	}
}
