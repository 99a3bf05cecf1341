package kafkalog

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"remux-retrier/consumer"
)

const (
	// snappyRatio is more than snappy can compress: 64 bytes into three.
	snappyRatio = 22
	// snappyMost bounds a block in bytes: a whole block is allocated at once, and some
	// producers write a batch as one block.
	snappyMost = consumer.LargestRecord + 1<<20
	// keptSnappy is the largest block, in bytes, of a batch whose reader is kept.
	keptSnappy = 1 << 20
)

var errSnappyBlock = fmt.Errorf("a batch is compressed by snappy in a block of more than %d MiB", snappyMost>>20)

// checkSnappy checks that the unpacked sizes which the blocks claim are possible, and
// returns the largest: it decides how much is allocated. A block starts with its unpacked
// size.
func checkSnappy(body []byte) (largest uint64, err error) {
	xerial := []byte("\x82SNAPPY\x00")
	block := func(b []byte) error {
		n, size := binary.Uvarint(b)
		switch {
		case size <= 0:
		case n > uint64(snappyRatio*len(b)):
			return fmt.Errorf("%d bytes of snappy cannot unpack to %d", len(b), n)
		case n > snappyMost:
			return errSnappyBlock
		default:
			largest = max(largest, n)
		}
		return nil
	}
	if !bytes.HasPrefix(body, xerial) {
		return largest, block(body)
	}
	const start = 16 // of the first block, after the magic and two versions
	for b := body[min(len(body), start):]; len(b) >= 4; {
		n := int64(binary.BigEndian.Uint32(b))
		if b = b[4:]; n > int64(len(b)) {
			return 0, errTruncated
		}
		if err := block(b[:n]); err != nil {
			return 0, err
		}
		b = b[n:]
	}
	return largest, nil
}
