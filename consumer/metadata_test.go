package consumer

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// randomMetadata returns valid metadata with n intervals above low.
func randomMetadata(r *rand.Rand, low int64, n int, step int64) CommitMetadata {
	m := CommitMetadata{Called: r.Int64N(3) * (low + r.Int64N(1000)), TopicPartitions: r.IntN(20), LogID: r.Int64N(3) * r.Int64N(1<<45)}
	if r.IntN(3) > 0 {
		m.Since = time.UnixMilli(1 + r.Int64N(1<<45))
	}
	for range r.IntN(3) {
		m.Owners = append(m.Owners, fmt.Sprint("o", r.IntN(1000)))
	}
	for at := low; len(m.Done) < n; {
		from := at + 1 + r.Int64N(step)
		at = from + 1 + r.Int64N(step)
		m.Done = append(m.Done, Interval{from, at})
	}
	return m
}

func TestCommitMetadataSurvivesTheRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		low := r.Int64N(1 << r.IntN(40))
		want := randomMetadata(r, low, r.IntN(50), 1<<r.IntN(20))
		got, err := ParseCommitMetadata(want.Encode(low), low)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("at %d: %+v came back as %+v, %v", low, want, got, err)
		}
	}
}

func TestCommitMetadataNeverOutgrowsTheBrokersLimit(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, step := range []int64{1, 100, 1 << 20, 1 << 50} {
		for range 50 {
			want := randomMetadata(r, 0, 4000, step)
			if step == 1<<50 {
				want.Done = want.Done[:2000]
			}
			want.Called, want.Since = math.MaxInt64, time.UnixMilli(math.MaxInt64/1000)
			text := want.Encode(0)
			if len(text) > maxMetadata {
				t.Fatalf("%d bytes", len(text))
			}
			got, err := ParseCommitMetadata(text, 0)
			if err != nil {
				t.Fatal(err)
			}
			kept := len(got.Done)
			if got.Called != want.Called || !reflect.DeepEqual(got.Done, want.Done[:kept]) {
				t.Fatal("what was kept is not a prefix of what was to be written")
			}
			// One more interval must not have fitted: it takes at most 20 bytes.
			if kept < len(want.Done) && len(text) < maxMetadata-20*4/3-4 {
				t.Fatalf("only %d bytes are used, and %d intervals left out", len(text), len(want.Done)-kept)
			}
		}
	}
}

func TestTruncatedCommitMetadataIsNotedAtEveryByte(t *testing.T) {
	for _, m := range []CommitMetadata{
		{},
		{Called: 1042, TopicPartitions: 8},
		{Called: 1042, TopicPartitions: 12, Since: time.UnixMilli(1795420800000), Done: []Interval{{1001, 1003}, {1010, 99999}}},
	} {
		text := m.Encode(1000)
		for n := range len(text) {
			if got, err := ParseCommitMetadata(text[:n], 1000); err == nil {
				t.Errorf("%q was taken for %+v", text[:n], got)
			}
		}
	}
}

func TestForeignTextIsNoCommitMetadata(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":              "",
		"another program":      "some-host-1234",
		"JSON":                 `{"offset":12}`,
		"a longer name":        "remux10 clean end",
		"neither":              "remux1 end",
		"only the closing":     "end",
		"called zero":          "remux1 called=0 end",
		"called negative":      "remux1 called=-5 end",
		"called no number":     "remux1 called=x end",
		"called overflows":     "remux1 called=9223372036854775808 end",
		"of zero":              "remux1 clean of=0 end",
		"of no number":         "remux1 clean of= end",
		"log zero":             "remux1 clean log=0 end",
		"log no number":        "remux1 clean log=x end",
		"since zero":           "remux1 clean since=0 end",
		"since negative":       "remux1 clean since=-5 end",
		"since no number":      "remux1 clean since=yesterday end",
		"since empty":          "remux1 clean since= end",
		"since overflows":      "remux1 clean since=9223372036854775808 end",
		"done not base64":      "remux1 clean done=*** end",
		"done odd":             "remux1 clean done=" + varints(5) + " end",
		"done empty run":       "remux1 clean done=" + varints(5, 0) + " end",
		"done touching runs":   "remux1 clean done=" + varints(5, 1, 0, 1) + " end",
		"done overflows":       "remux1 clean done=" + varints(math.MaxInt64-1, 10) + " end",
		"done overflows twice": "remux1 clean done=" + varints(math.MaxUint64, 1) + " end",
	} {
		if m, err := ParseCommitMetadata(text, 100); err == nil {
			t.Errorf("%s: %q was taken for %+v", name, text, m)
		}
	}
}

func TestWordsOfANewerVersionAreNoError(t *testing.T) {
	m, err := ParseCommitMetadata("remux1 called=7 until=tomorrow end", 0)
	if err != nil || m.Called != 7 {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzParseCommitMetadata(f *testing.F) {
	f.Add("", int64(0))
	f.Add("remux1 clean end", int64(0))
	f.Add("remux1 called=1042 of=8 end", int64(1000))
	f.Add(CommitMetadata{Called: 12, TopicPartitions: 3, Done: []Interval{{7, 9}, {20, 500}}}.Encode(5), int64(5))
	f.Add("remux1 clean of=8 since=1795420800000 end", int64(7))
	f.Add("remux1 clean since=9223372036854775807 end", int64(7))
	f.Add("remux1 clean done="+varints(math.MaxInt64-1, 10)+" end", int64(100))
	f.Add("remux1 clean done="+strings.Repeat("A", 64)+" end", int64(0))
	f.Fuzz(func(t *testing.T, text string, low int64) {
		low &= math.MaxInt64 // an offset
		text = text[:min(len(text), maxMetadata)]
		m, err := ParseCommitMetadata(text, low)
		if err != nil {
			return
		}
		at := low - 1
		for _, i := range m.Done {
			if i.From <= at || i.To <= i.From {
				t.Fatalf("%q: intervals out of order: %+v", text, m.Done)
			}
			at = i.To
		}
		again, err := ParseCommitMetadata(m.Encode(low), low)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q is %+v, encoded anew %+v, %v", text, m, again, err)
		}
	})
}

// varints encodes numbers as the text of CommitMetadata has them after done=.
func varints(numbers ...uint64) string {
	var raw []byte
	for _, n := range numbers {
		raw = binary.AppendUvarint(raw, n)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
