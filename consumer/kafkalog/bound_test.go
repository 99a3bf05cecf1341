package kafkalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"

	"remux-retrier/consumer"
)

// bomb writes a batch of records with the given sizes, all zero bytes, without holding
// them.
func bomb(t testing.TB, codec protocol.Attributes, sizes ...int64) []byte {
	var packed bytes.Buffer
	w := codec.Compression().Codec().NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for i, n := range sizes {
		start := binary.AppendVarint(binary.AppendVarint([]byte{0}, 0), int64(i)) // attributes, time, offset
		start = binary.AppendVarint(binary.AppendVarint(start, -1), n)            // no key, the value
		record := append(binary.AppendVarint(nil, int64(len(start))+n+1), start...)
		if _, err := w.Write(record); err != nil {
			t.Fatal(err)
		}
		for left := n; left > 0; left -= int64(len(zeros)) {
			if _, err := w.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Write([]byte{0}); err != nil { // no headers
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packedBatch(codec, int32(len(sizes)), packed.Bytes())
}

func packedBatch(codec protocol.Attributes, count int32, packed []byte) []byte {
	b := batch{last: int64(count) - 1, producer: noProducer, attributes: codec, count: count, time: 1_795_420_800_000}
	return b.framed(packed)
}

// reading reads a batch to its end, page by page. It returns how many records came with
// contents, those that were left out, and the most bytes that were allocated for a page.
func reading(t *testing.T, set []byte, asked int) (whole int, out []consumer.Record, most uint64) {
	t.Helper()
	var before, after runtime.MemStats
	for next := int64(0); ; {
		runtime.GC()
		runtime.ReadMemStats(&before)
		found := answering(&part{offset: next, asked: asked}, set, nil)
		runtime.ReadMemStats(&after)
		most = max(most, after.TotalAlloc-before.TotalAlloc)
		if found.err != nil {
			if strings.Contains(found.err.Error(), "ends below") {
				return whole, out, most
			}
			t.Fatal(found.err)
		}
		for _, r := range found.page.Records {
			if r.LeftOut != nil {
				out = append(out, r)
			} else {
				whole++
			}
		}
		if next = found.page.Next; next > int64(binary.BigEndian.Uint32(set[23:])) {
			return whole, out, most
		}
	}
}

func repeated(n int, size int64) []int64 {
	sizes := make([]int64, n)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

const mib = 1 << 20

// A record that unpacks to 300 MB may be stored in 9 KB. Unpacking must be bounded, and the
// records beside it must be read.
func TestBombsAreReadInBoundedMemory(t *testing.T) {
	for name, row := range map[string]struct {
		codec      protocol.Attributes
		sizes      []int64
		whole, out int
	}{
		"one of 150 MB":        {protocol.Zstd, []int64{150e6}, 0, 1},
		"between small ones":   {protocol.Zstd, []int64{10, 150e6, 20, 30}, 3, 1},
		"four of 80 MB":        {protocol.Zstd, repeated(4, 80e6), 0, 4},
		"two of 80 MB, gzip":   {protocol.Gzip, repeated(2, 80e6), 0, 2},
		"two of 80 MB, lz4":    {protocol.Lz4, repeated(2, 80e6), 0, 2},
		"two of 80 MB, snappy": {protocol.Snappy, repeated(2, 80e6), 0, 2},
		"60 of 1 MB":           {protocol.Zstd, repeated(60, 1e6), 60, 0},
		"200,000 tiny ones":    {protocol.Zstd, repeated(200e3, 0), 200e3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			whole, out, most := reading(t, bomb(t, row.codec, row.sizes...), mib)
			if whole != row.whole || len(out) != row.out {
				t.Errorf("%d read, %d left out", whole, len(out))
			}
			for _, r := range out {
				if r.LeftOut.Last != r.Offset || r.LeftOut.Size < 80e6 || r.Time.UnixMilli() != 1_795_420_800_000 {
					t.Errorf("%+v, %+v", r, r.LeftOut)
				}
			}
			t.Logf("%d MiB for a page at most", most>>20)
			if most > 64*mib {
				t.Errorf("%d MiB were taken for one page", most>>20)
			}
		})
	}
}

func TestALargeRecordComesWholeWhereItIsAskedForByItself(t *testing.T) {
	const size = 60 << 20
	for _, codec := range []protocol.Attributes{protocol.Zstd, 0} {
		var set []byte
		if codec == 0 {
			set = batch{producer: noProducer}.record(0, make([]byte, size)).record(1, []byte("next")).bytes()
		} else {
			set = bomb(t, codec, size, 4)
		}
		found := answering(&part{asked: mib}, set, nil)
		listed := 2
		if codec != 0 {
			listed = 1 // going past it would mean unpacking it
		}
		if found.err != nil || len(found.page.Records) != listed || found.page.Records[0].LeftOut == nil || int(found.page.Next) != listed {
			t.Fatalf("%v: %v, %v", codec, len(found.page.Records), found.err)
		}
		found = answering(&part{asked: int(found.page.Records[0].LeftOut.Size)}, set, nil)
		if found.err != nil || len(found.page.Records) != 1 || len(found.page.Records[0].Value) != size || found.page.Next != 1 {
			t.Errorf("%v: %d records, next %d, %v", codec, len(found.page.Records), found.page.Next, found.err)
		}
	}
}

func TestTenThousandHeadersAreWithinTheBound(t *testing.T) {
	b := batch{producer: noProducer}.record(0, nil, make([]protocol.Header, 10_000)...).record(1, nil, make([]protocol.Header, 500_000)...)
	whole, out, most := reading(t, b.bytes(), mib)
	if whole != 1 || len(out) != 1 || most > 32*mib {
		t.Errorf("%d read, %d left out, %d MiB", whole, len(out), most>>20)
	}
}

// A batch that cannot be unpacked is left out as one range, and reading continues after it.
func TestBatchesThatCannotBeUnpackedAreLeftOutAsOne(t *testing.T) {
	window := func(size int) []byte {
		var packed bytes.Buffer
		w, err := zstd.NewWriter(&packed, zstd.WithWindowSize(size), zstd.WithSingleSegment(false))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, zeros{}, 200<<20); err != nil {
			t.Fatal(err)
		}
		w.Close()
		return packedBatch(protocol.Zstd, 7, packed.Bytes())
	}
	if testing.Short() {
		t.Skip("-short: this unpacks gigabytes")
	}
	for name, row := range map[string]struct {
		set  []byte
		from int64
		why  string
	}{
		"a window of 256 MiB":  {window(256 << 20), 0, "window"},
		"more than a gigabyte": {bomb(t, protocol.Zstd, repeated(17, 100<<20)...), 10, "1024 MiB"},
		"66 MiB as stored":     {batch{producer: noProducer}.record(0, make([]byte, 33<<20)).record(1, make([]byte, 33<<20)).bytes(), 0, "65 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			set := row.set
			_, out, _ := reading(t, set, mib)
			var last consumer.Record
			if len(out) > 0 {
				last = out[len(out)-1]
			}
			if last.LeftOut == nil || last.Offset != row.from || last.LeftOut.Last != int64(binary.BigEndian.Uint32(set[23:])) ||
				!strings.Contains(last.LeftOut.Why, row.why) || last.LeftOut.Size != int64(len(set)) {
				t.Errorf("%+v, %+v", last, last.LeftOut)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestSnappyThatLiesAboutItsLengthIsRefused(t *testing.T) {
	lie := binary.AppendUvarint(nil, 3<<30)
	framed := append([]byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"), 0, 0, 0, byte(len(lie)))
	for name, body := range map[string][]byte{"raw": lie, "framed": append(framed, lie...)} {
		if found := answering(&part{}, packedBatch(protocol.Snappy, 1, body), nil); found.err == nil {
			t.Errorf("%s: read %+v", name, found.page)
		}
	}
	if compress.Snappy.Codec() == nil {
		t.Error("kafka-go has no snappy")
	}
}

func TestUnpackingEndsWithTheClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &bounded{r: strings.NewReader("a batch"), left: maxUnpacked, ended: ctx.Err}
	if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	cancel()
	if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("read %d more bytes: %v", n, err)
	}
}
