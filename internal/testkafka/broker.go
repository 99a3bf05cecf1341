package testkafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/segmentio/kafka-go"
)

// clusterID is the same for all brokers of a cluster: any 16 bytes in base64.
const clusterID = "cmVtdXgtcmV0cmllci4uLg"

// broker is a broker's process, with its configuration and data in dir.
type broker struct {
	process
	dir  string
	node node
}

func newBroker(libs, dir string, n node) *broker {
	return &broker{process: process{libs: libs, log: filepath.Join(dir, "broker.log")}, dir: dir, node: n}
}

func (b *broker) properties() string { return filepath.Join(b.dir, "server.properties") }

func (b *broker) configure(properties string) error {
	return os.WriteFile(b.properties(), []byte(properties), 0o600)
}

// format prepares the data folder, which KRaft needs before the first start. With
// users it adds the SCRAM user.
func (b *broker) format(ctx context.Context, users bool) error {
	args := []string{"kafka.tools.StorageTool", "format", "-t", clusterID, "-c", b.properties()}
	if users {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, User, Password))
		}
	}
	if out, err := java(ctx, b.libs, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the data folder: %w\n%s", err, out)
	}
	return nil
}

func (b *broker) run() error { return b.process.run("kafka.Kafka", b.properties()) }

var errEnded = errors.New("it ended while starting")

// await waits until the broker answers and knows this number of brokers.
func (b *broker) await(ctx context.Context, brokers int) error {
	for {
		known, err := b.knows(ctx)
		if known >= brokers {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("it knows %d of %d brokers", known, brokers)
		}
		select {
		case <-b.ended:
			return fmt.Errorf("%w: %w", errEnded, err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (b *broker) knows(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := kafka.DialContext(ctx, "tcp", b.node.addr(Plaintext))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return 0, err
	}
	brokers, err := conn.Brokers()
	return len(brokers), err
}
