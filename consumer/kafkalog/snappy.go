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
	// snappyMost bounds a block, of which room is made for all at once. Some producers
	// make one of a whole batch.
	snappyMost = consumer.LargestRecord + 1<<20
	// keptSnappy is the largest block of a batch whose reader is kept.
	keptSnappy = 1 << 20
)

var errSnappyBlock = fmt.Errorf("a batch is compressed by snappy in a block of more than %d MiB", snappyMost>>20)

// checkSnappy looks whether the blocks of a batch can be as large as they say, and
// gives the largest: room is made for them by that. The first bytes of a block are its
// length.
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
	const start = 16 // of the first block, after two versions
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
