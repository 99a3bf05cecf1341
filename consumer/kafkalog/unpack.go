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

// exceeded tells which of our limits an error is about; empty: none.
func exceeded(err error) string {
	switch {
	case errors.Is(err, errTooMuch):
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

// unpacked is the contents of a batch, read from its start.
type unpacked struct {
	plain []byte // remaining bytes of an uncompressed batch
	whole int
	r     *bufio.Reader // nil: it is not compressed
	close func()
}

var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

// unpack starts reading a batch. The result must be closed.
func (l *Client) unpack(codec compress.Compression, body []byte) (*unpacked, error) {
	if codec == compress.None {
		return &unpacked{plain: body, whole: len(body), close: func() {}}, nil
	}
	if codec == compress.Snappy {
		if err := checkSnappy(body); err != nil {
			return nil, err
		}
	}
	if codec != compress.Zstd && codec.Codec() == nil {
		return nil, fmt.Errorf("unknown compression type %d", codec)
	}
	if !l.unpacking.take(l.closed) {
		return nil, l.closed.Err()
	}
	var from io.ReadCloser
	if codec == compress.Zstd {
		from = newZstd(body)
	} else {
		from = codec.Codec().NewReader(bytes.NewReader(body))
	}
	r := buffers.Get().(*bufio.Reader)
	r.Reset(&bounded{r: from, left: maxUnpacked})
	return &unpacked{r: r, close: func() {
		r.Reset(nil)
		buffers.Put(r)
		from.Close()
		l.unpacking.release()
	}}, nil
}

// bounded fails if there is more to read than its limit.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooMuch
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// length reads a record's length.
func (u *unpacked) length() (n int64, err error) {
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
	}
	return n, err
}

// peek returns the next n bytes without consuming them.
func (u *unpacked) peek(n int64) ([]byte, error) {
	if u.r == nil {
		return u.plain[:min(n, int64(len(u.plain)))], nil
	}
	b, err := u.r.Peek(int(n))
	return b, truncated(err)
}

// skip skips n bytes.
func (u *unpacked) skip(n int64) error {
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

// take reads n bytes. Unless own, they are valid until the next read.
func (u *unpacked) take(n int64) (b []byte, own bool, err error) {
	switch {
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

func newZstd(body []byte) zstdReader {
	d := decoders.Get().(*zstd.Decoder)
	_ = d.Reset(bytes.NewReader(body)) // its error is returned by the first Read
	return zstdReader{d}
}

func (z zstdReader) Close() error {
	err := z.Reset(nil)
	decoders.Put(z.Decoder)
	return err
}

// snappyRatio is more than snappy can compress: 64 bytes into three.
const snappyRatio = 22

// checkSnappy checks that the blocks of a batch can be as large as they declare: memory is
// allocated by that. A block starts with its length.
func checkSnappy(body []byte) error {
	xerial := []byte("\x82SNAPPY\x00")
	block := func(b []byte) error {
		if n, size := binary.Uvarint(b); size > 0 && n > uint64(snappyRatio*len(b)) {
			return fmt.Errorf("%d bytes of snappy cannot unpack to %d", len(b), n)
		}
		return nil
	}
	if !bytes.HasPrefix(body, xerial) {
		return block(body)
	}
	const start = 16 // of the first block, after two versions
	for b := body[min(len(body), start):]; len(b) >= 4; {
		n := int64(binary.BigEndian.Uint32(b))
		if b = b[4:]; n > int64(len(b)) {
			return errTruncated
		}
		if err := block(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
