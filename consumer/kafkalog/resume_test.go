package kafkalog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"

	"remux-retrier/consumer"
)

// counting is a codec that counts the bytes it unpacks.
type counting struct {
	compress.Codec
	bytes *atomic.Int64
}

func (c counting) NewReader(r io.Reader) io.ReadCloser {
	return countingReader{c.Codec.NewReader(r), c.bytes}
}

type countingReader struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

// countUnpacked counts the bytes that one of kafka-go's codecs unpacks, until the test
// ends.
func countUnpacked(t *testing.T, codec compress.Compression) *atomic.Int64 {
	before := compress.Codecs[codec]
	t.Cleanup(func() { compress.Codecs[codec] = before })
	var n atomic.Int64
	compress.Codecs[codec] = counting{before, &n}
	return &n
}

func (k *kept) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.readers)
}

func newTestClient() *Client {
	return &Client{unpacker: newUnpacker(), closed: context.Background()}
}

// numbered is a compressed batch of records that start with their number.
func numbered(codec protocol.Attributes, count int, record []byte, headers ...protocol.Header) []byte {
	b := batch{producer: noProducer, attributes: codec}
	for i := range count {
		b = b.record(int64(i), append(fmt.Appendf(nil, "%8d", i), record...), headers...)
	}
	return b.bytes()
}

// follow reads a batch to its end as the consumer does: page by page, and each record that
// came without contents alone, right after its page. It returns the number of pages.
func follow(t *testing.T, l *Client, set []byte, count int) (pages int) {
	t.Helper()
	is := func(r consumer.Record, offset int64) {
		t.Helper()
		if r.LeftOut != nil || r.Offset != offset || string(r.Value[:8]) != fmt.Sprintf("%8d", offset) {
			t.Fatalf("at offset %d: %d, %.8q, %+v", offset, r.Offset, r.Value, r.LeftOut)
		}
	}
	for next := int64(0); next < int64(count); pages++ {
		found := answeringBy(l, &part{topic: "t", offset: next, asked: mib}, set, nil)
		if found.err != nil {
			t.Fatal(found.err)
		}
		for _, r := range found.page.Records {
			if r.LeftOut == nil {
				is(r, next)
			} else {
				again := answeringBy(l, &part{topic: "t", offset: r.Offset, asked: int(r.LeftOut.Size)}, set, nil)
				if again.err != nil || len(again.page.Records) == 0 {
					t.Fatal(again.err)
				}
				is(again.page.Records[0], next)
			}
			next++
		}
		if found.page.Next != next {
			t.Fatalf("next is %d after offset %d", found.page.Next, next-1)
		}
	}
	return pages
}

// A batch of a few KiB may have a hundred pages. Unpacking it from its beginning for each
// page costs minutes of CPU.
func TestABatchIsUnpackedOnceHoweverManyPagesItHas(t *testing.T) {
	for name, row := range map[string]struct {
		count, size int
		headers     []protocol.Header
		pages       int // at least
	}{
		"of 8 MiB":        {25, 1e6, nil, 3},
		"a record each":   {8, 3e6, nil, 8},
		"a few records":   {400, 50_000, nil, 2},
		"many headers":    {10, 100, make([]protocol.Header, 30_000), 10},
		"all in one page": {1000, 100, nil, 1},
	} {
		for _, codec := range []protocol.Attributes{protocol.Gzip, protocol.Lz4, protocol.Snappy} {
			t.Run(fmt.Sprint(name, ", ", codec.Compression()), func(t *testing.T) {
				set := numbered(codec, row.count, make([]byte, row.size), row.headers...)
				unpacked := countUnpacked(t, codec.Compression())
				l := newTestClient()
				pages := follow(t, l, set, row.count)
				whole := int64(row.count) * int64(row.size+10+2*len(row.headers))
				if n := unpacked.Load(); n > whole+whole/10+2*mib {
					t.Errorf("%d MiB were unpacked of %d, for %d pages", n>>20, whole>>20, pages)
				}
				if pages < row.pages {
					t.Errorf("%d pages: this tries nothing", pages)
				}
				if l.kept.count() != 0 || len(l.unpacking) != 0 {
					t.Errorf("%d readers are left, %d at work", l.kept.count(), len(l.unpacking))
				}
			})
		}
	}
	t.Run("zstd", func(t *testing.T) {
		follow(t, newTestClient(), numbered(protocol.Zstd, 100, make([]byte, 1e6)), 100)
	})
}

// ofMB is a batch of so many records of 1 MB.
func ofMB(count int) []byte { return numbered(protocol.Gzip, count, make([]byte, 1e6)) }

// begin reads the first page of a batch.
func begin(t *testing.T, l *Client, topic string, set []byte) (next int64) {
	t.Helper()
	found := answeringBy(l, &part{topic: topic, asked: mib}, set, nil)
	if found.err != nil {
		t.Fatal(found.err)
	}
	return found.page.Next
}

// goOn returns how many bytes are unpacked for the page at an offset.
func goOn(t *testing.T, l *Client, topic string, set []byte, offset int64) int64 {
	t.Helper()
	n := countUnpacked(t, compress.Gzip)
	found := answeringBy(l, &part{topic: topic, offset: offset, asked: mib}, set, nil)
	if found.err != nil || len(found.page.Records) == 0 || found.page.Records[0].Offset != offset || found.page.Records[0].Value[7] != byte('0'+offset%10) {
		t.Fatalf("%+v, %v", found.page.Next, found.err)
	}
	return n.Load()
}

func TestAKeptReaderContinuesOnlyItsOwnBatch(t *testing.T) {
	l := newTestClient()
	set := ofMB(30)
	next := begin(t, l, "t", set)
	other := batch{producer: noProducer, attributes: protocol.Gzip}
	for i := range 30 {
		other = other.record(int64(i), append(fmt.Appendf(nil, "%8d", i), bytes.Repeat([]byte("other"), 2e5)...))
	}
	found := answeringBy(l, &part{topic: "t", offset: next, asked: mib}, other.bytes(), nil)
	if found.err != nil || string(found.page.Records[0].Value[8:13]) != "other" {
		t.Errorf("a batch of the same offsets, of a recreated topic: %v, %.20q", found.err, found.page.Records[0].Value)
	}
	if page := answeringBy(l, &part{topic: "t", asked: mib}, set, nil); page.err != nil || page.page.Records[0].Offset != 0 {
		t.Error("a fetch further back continues at a later record:", page.err)
	}
}

// Kept readers hold memory: few are kept, those that have unpacked most.
func TestFewReadersAreKeptThoseThatHaveUnpackedMost(t *testing.T) {
	l := newTestClient()
	large, others := ofMB(60), ofMB(30)
	next := begin(t, l, "large", large)
	goOn(t, l, "large", large, next)
	for i := range 10 {
		begin(t, l, fmt.Sprint("other", i), others)
	}
	if n := l.kept.count(); n != keptMost {
		t.Errorf("%d readers are kept", n)
	}
	if n := goOn(t, l, "large", large, 2*next); n > 10e6 {
		t.Errorf("the largest began anew: %d bytes", n)
	}
	for _, u := range l.kept.readers {
		if u.source.Size() != 0 {
			t.Error("what is stored is kept, too")
		}
	}
}

func TestAnUnusedReaderIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestClient()
		begin(t, l, "t", ofMB(30))
		if l.kept.count() != 1 {
			t.Fatal("nothing is kept")
		}
		time.Sleep(keptFor)
		synctest.Wait()
		if l.kept.count() != 0 {
			t.Error("it is kept for ever")
		}
	})
}

func TestASnappyBlockLargerThanAnyRecordIsLeftOut(t *testing.T) {
	body := bytes.Repeat([]byte{0xfe, 1, 0}, 4<<20) // copies of 64 bytes
	block := append([]byte{0x80, 0x80, 0x80, 0x80, 0x01}, body...)
	found := answering(&part{asked: mib}, packedBatch(protocol.Snappy, 3, block), nil)
	if found.err != nil || len(found.page.Records) != 1 || found.page.Records[0].LeftOut == nil || found.page.Records[0].LeftOut.Last != 2 {
		t.Errorf("%+v, %v", found.page, found.err)
	}
}
