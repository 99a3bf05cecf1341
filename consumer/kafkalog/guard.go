package kafkalog

import (
	"encoding/binary"
	"fmt"
	"io"
)

// An answer of Kafka's begins with its length. kafka-go believes what it reads
// there, and makes room for it (kafka-go#1439): the first four letters of an HTTP
// server's answer are a gigabyte.
const (
	// firstAnswer bounds a connection's first answer, which tells what versions of
	// which requests the broker speaks, or where the coordinator is.
	firstAnswer = 1 << 20
	// anyAnswer bounds the others. A batch may be large where its topic allows it.
	anyAnswer = 512 << 20
)

// A server that expects TLS answers with an alert of TLS.
const tlsAlert, tlsMajor = 0x15, 3

// guard looks at the lengths of the answers in what a connection brings.
type guard struct {
	frames
	later bool // the first answer has begun
}

// see looks at what has come next.
func (g *guard) see(b []byte, address string) error {
	_, err := g.follow(b, func(head []byte) error {
		length := int32(binary.BigEndian.Uint32(head))
		switch {
		case !g.later && head[0] == tlsAlert && head[1] == tlsMajor:
			return fmt.Errorf("%w: %s expects TLS", io.ErrUnexpectedEOF, address)
		case !g.later && (length < 0 || length > firstAnswer):
			return fmt.Errorf("no Kafka answers at %s: its answer begins with %q", address, head)
		case length < 0 || length > anyAnswer:
			return fmt.Errorf("%s announces an answer of %d bytes", address, length)
		}
		g.later = true
		return nil
	})
	return err
}
