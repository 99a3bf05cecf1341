package kafkalog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

const (
	// maxUnpacked is how much of a batch is unpacked at most, including records that are
	// skipped. The rest is left out.
	maxUnpacked = 1 << 30
	// zstdWindow bounds zstd's window. Its usual levels need 8 MiB or less.
	zstdWindow = 32 << 20
	// unpackAtOnce is how many batches are unpacked at once, over all brokers: each may
	// need such a window.
	unpackAtOnce = 2
)

var errTooMuch = fmt.Errorf("a batch unpacks to more than %d MiB", maxUnpacked>>20)

// exceeded returns which of our limits caused the error; empty: none.
func exceeded(err error) string {
	switch {
	case errors.Is(err, errTooMuch), errors.Is(err, errSnappyBlock):
		return err.Error()
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Sprintf("a batch is compressed with a zstd window of more than %d MiB", zstdWindow>>20)
	}
	return ""
}

// limit is a counting semaphore.
type limit chan struct{}

func (l limit) take(ctx context.Context) bool {
	select {
	case l <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l limit) release() { <-l }

// unpacker bounds the memory for compressed batches and large records, over all brokers.
type unpacker struct {
	large     limit // large batches being read, see answer.go
	unpacking limit // batches being unpacked
	kept      kept  // see resume.go
}

func newUnpacker() unpacker {
	return unpacker{large: make(limit, 1), unpacking: make(limit, unpackAtOnce)}
}

// unpacked is the contents of a batch, read record by record.
type unpacked struct {
	at   batchAt
	due  int64 // the next record's offset is at least this
	rest int32 // records not yet read

	ahead int64  // the next record's length if it was read already, else −1
	again []byte // and the record itself, if it was read already

	plain []byte        // remaining bytes of an uncompressed batch
	whole int           // its bytes at the start
	r     *bufio.Reader // nil: it is not compressed
	// Of a compressed one:
	source  bytes.Reader // its stored bytes: replaced while no page is being read
	read    int64        // of source, when they were replaced last
	bound   bounded
	keeps   bool // may be kept for the next page
	release func()
	forget  *time.Timer
}

var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// unpack starts reading a batch, or continues where a page ended inside it below the
// offset. The caller must call done.
func (l *Client) unpack(at batchAt, offset int64, body []byte) (*unpacked, error) {
	codec := at.header.attributes().Compression()
	u := &unpacked{at: at, due: at.header.base(), rest: at.header.count(), ahead: -1, keeps: true}
	if codec == compress.None {
		u.plain, u.whole = body, len(body)
		return u, nil
	}
	if codec == compress.Snappy {
		largest, err := checkSnappy(body)
		if err != nil {
			return nil, err
		}
		u.keeps = largest <= keptSnappy
	}
	if codec != compress.Zstd && codec.Codec() == nil {
		return nil, fmt.Errorf("unknown compression type %d", codec)
	}
	if !l.unpacking.take(l.closed) {
		return nil, l.closed.Err()
	}
	if before := l.kept.take(at, offset); before != nil {
		before.source.Reset(body)
		_, _ = before.source.Seek(before.read, io.SeekStart) // cannot fail
		return before, nil
	}
	u.source.Reset(body)
	var from io.ReadCloser
	if codec == compress.Zstd {
		from = newZstd(&u.source)
	} else {
		from = codec.Codec().NewReader(&u.source)
	}
	u.bound = bounded{r: from, left: maxUnpacked, ended: l.closed.Err}
	u.r = buffers.Get().(*bufio.Reader)
	u.r.Reset(&u.bound)
	u.release = func() { from.Close() }
	return u, nil
}

// done ends reading for now. An unfinished reader may be kept to continue later.
func (l *Client) done(u *unpacked, unfinished bool) {
	if u.r == nil {
		return
	}
	if unfinished && u.keeps {
		l.kept.keep(u)
	} else {
		u.close()
	}
	l.unpacking.release()
}

func (u *unpacked) close() {
	u.release()
	u.r.Reset(nil)
	buffers.Put(u.r)
}

// bounded fails if there is more to read than its limit, or when the client is closed.
type bounded struct {
	r     io.Reader
	left  int64
	ended func() error
}

// done returns how many bytes were read.
func (b *bounded) done() int64 { return maxUnpacked - b.left }

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	if err := b.ended(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// length reads a record's length.
func (u *unpacked) length() (n int64, err error) {
	if u.ahead >= 0 {
		return u.ahead, nil
	}
	if u.r != nil {
		n, err = binary.ReadVarint(u.r)
	} else {
		var size int
		if n, size = binary.Varint(u.plain); size <= 0 {
			return 0, errTruncated
		}
		u.plain = u.plain[size:]
	}
	switch {
	case errors.Is(err, io.EOF):
		return 0, errTruncated
	case err == nil && n < 0:
		return 0, fmt.Errorf("a record of %d bytes", n)
	case err == nil:
		u.ahead = n
	}
	return n, err
}

// passed notes that the record at an offset has been read.
func (u *unpacked) passed(offset int64) {
	u.ahead, u.again, u.due = -1, nil, offset+1
	u.rest--
}

// back puts the record that was just read back.
func (u *unpacked) back(b []byte, own bool) {
	if !own {
		b = bytes.Clone(b)
	}
	u.again = b
}

// peek returns the next n bytes without consuming them.
func (u *unpacked) peek(n int64) ([]byte, error) {
	if u.again != nil {
		return u.again[:n], nil
	}
	if u.r == nil {
		return u.plain[:min(n, int64(len(u.plain)))], nil
	}
	b, err := u.r.Peek(int(n))
	return b, truncated(err)
}

// skip skips the next record, of n bytes.
func (u *unpacked) skip(n int64) error {
	if u.again != nil {
		return nil
	}
	if u.r == nil {
		if n > int64(len(u.plain)) {
			return errTruncated
		}
		u.plain = u.plain[n:]
		return nil
	}
	for n > 0 {
		done, err := u.r.Discard(int(min(n, maxUnpacked)))
		if n -= int64(done); err != nil {
			return truncated(err)
		}
	}
	return nil
}

// take reads the next record, of n bytes. Unless own, they are valid until the next read.
func (u *unpacked) take(n int64) (b []byte, own bool, err error) {
	switch {
	case u.again != nil:
		return u.again, true, nil
	case u.r == nil && n > int64(len(u.plain)):
		return nil, false, errTruncated
	case u.r == nil:
		b = u.plain[:n:n]
		u.plain = u.plain[n:]
		return b, n > int64(u.whole/2), nil
	case n <= int64(u.r.Size()):
		if b, err = u.r.Peek(int(n)); err != nil {
			return nil, false, truncated(err)
		}
		_, err = u.r.Discard(int(n))
		return b, false, err
	}
	b = make([]byte, n)
	_, err = io.ReadFull(u.r, b)
	return b, true, truncated(err)
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}

// zstdReader is a pooled decoder. kafka-go's allocates a window as large as the batch
// demands.
type zstdReader struct{ *zstd.Decoder }

var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
}}

func newZstd(from io.Reader) zstdReader {
	d := decoders.Get().(*zstd.Decoder)
	_ = d.Reset(from) // its error is returned by the first Read
	return zstdReader{d}
}

func (z zstdReader) Close() error {
	err := z.Reset(nil)
	decoders.Put(z.Decoder)
	return err
}
