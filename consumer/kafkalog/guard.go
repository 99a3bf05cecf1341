package kafkalog

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A Kafka response starts with its length. kafka-go trusts that length and allocates memory
// for it (kafka-go#1439): the first four letters of an HTTP response mean a gigabyte.
const (
	// firstAnswer bounds a connection's first response, which lists the supported request
	// versions or names the coordinator.
	firstAnswer = 1 << 20
	// anyAnswer bounds all others. A batch may be large if its topic allows it.
	anyAnswer = 512 << 20
)

// A server that expects TLS answers with a TLS alert.
const tlsAlert, tlsMajor = 0x15, 3

// guard checks the length fields of the responses on a connection.
type guard struct {
	frames
	later bool // the first response has started
}

// check processes the next received bytes.
func (g *guard) check(b []byte, address string) error {
	_, err := g.follow(b, func(head []byte) error {
		length := int32(binary.BigEndian.Uint32(head))
		switch {
		case !g.later && head[0] == tlsAlert && head[1] == tlsMajor:
			return fmt.Errorf("%w: %s expects TLS", io.ErrUnexpectedEOF, address)
		case !g.later && (length < 0 || length > firstAnswer):
			return fmt.Errorf("%s is not a Kafka broker: its answer starts with %q", address, head)
		case length < 0 || length > anyAnswer:
			return fmt.Errorf("%s announces an answer of %d bytes", address, length)
		}
		g.later = true
		return nil
	})
	return err
}
