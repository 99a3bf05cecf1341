package kafkalog

import "encoding/binary"

// frames tracks the requests, or the answers, in the bytes of a connection. Each starts
// with its length in four bytes.
type frames struct {
	head []byte // received bytes of the next length
	left int64  // missing bytes of the current frame
}

// follow processes the next bytes. It calls begins with each length field, and returns how
// many frames have ended.
func (f *frames) follow(b []byte, begins func(head []byte) error) (ended int, err error) {
	for len(b) > 0 {
		if f.left > 0 {
			take := min(f.left, int64(len(b)))
			if b, f.left = b[take:], f.left-take; f.left == 0 {
				ended++
			}
			continue
		}
		take := min(4-len(f.head), len(b))
		f.head, b = append(f.head, b[:take]...), b[take:]
		if len(f.head) < 4 {
			break
		}
		if err := begins(f.head); err != nil {
			return ended, err
		}
		if f.left = int64(int32(binary.BigEndian.Uint32(f.head))); f.left <= 0 {
			f.left = 0
			ended++
		}
		f.head = f.head[:0]
	}
	return ended, nil
}

// between reports whether the stream is between two frames.
func (f *frames) between() bool { return f.left == 0 && len(f.head) == 0 }
