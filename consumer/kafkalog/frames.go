package kafkalog

import "encoding/binary"

// frames follows the requests, or the answers, in what crosses a connection. Each
// begins with its length, in four bytes.
type frames struct {
	head []byte // of the next length, what has come
	left int64  // of the frame, what has not come yet
}

// follow looks at what comes next. It calls begins with each length, as it came,
// and tells how many frames have ended.
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

// between tells whether no frame has begun that has not ended.
func (f *frames) between() bool { return f.left == 0 && len(f.head) == 0 }
