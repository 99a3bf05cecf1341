package testkafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
)

// clusterID is any 16 bytes in base64: every broker of a cluster needs the same.
const clusterID = "cmVtdXgtcmV0cmllci4uLg"

// stopGrace is how long a broker may take to end in order.
const stopGrace = 30 * time.Second

var errNotRunning = errors.New("it is not running")

// broker is one broker and, while it runs, its process.
type broker struct {
	libs string
	dir  string
	node node

	process *os.Process
	ended   chan struct{} // closed when the process has ended
}

func (b *broker) properties() string { return filepath.Join(b.dir, "server.properties") }
func (b *broker) log() string        { return filepath.Join(b.dir, "broker.log") }

// java is a command on Kafka's jars, tuned for a quick start and little memory.
func (b *broker) java(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "java", append([]string{
		"-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-cp", filepath.Join(b.libs, "*"),
	}, args...)...)
}

// format prepares the data folder, which KRaft asks for before the first start.
func (b *broker) format(ctx context.Context, properties string, users bool) error {
	if err := os.WriteFile(b.properties(), []byte(properties), 0o600); err != nil {
		return err
	}
	args := []string{"kafka.tools.StorageTool", "format", "-t", clusterID, "-c", b.properties()}
	if users {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, User, Password))
		}
	}
	if out, err := b.java(ctx, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the data folder: %w\n%s", err, out)
	}
	return nil
}

// run starts the process. It ends with this one, even if this one crashes.
func (b *broker) run() error {
	log, err := os.OpenFile(b.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	cmd := b.java(context.Background(), "kafka.Kafka", b.properties())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = endWithParent()
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		// "The parent" is the thread that started the process: it must live as
		// long as the process does.
		runtime.LockOSThread()
		defer close(ended)
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // whoever ended it knows
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("run java (version 17 or later): %w", err)
	}
	b.process, b.ended = cmd.Process, ended
	return nil
}

// await waits until the broker answers and knows of that many.
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
			return fmt.Errorf("it ended while starting: %w", err)
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

func (b *broker) pause() error  { return b.signal(syscall.SIGSTOP) }
func (b *broker) resume() error { return b.signal(syscall.SIGCONT) }

func (b *broker) kill() error {
	if err := b.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-b.ended
	b.process = nil
	return nil
}

func (b *broker) stop() error {
	if err := b.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-b.ended:
		b.process = nil
		return nil
	case <-time.After(stopGrace):
		return errors.Join(fmt.Errorf("it did not stop within %v and was killed", stopGrace), b.kill())
	}
}

func (b *broker) signal(s os.Signal) error {
	if b.process == nil {
		return errNotRunning
	}
	return b.process.Signal(s)
}

// tail is the end of the broker's log.
func (b *broker) tail() string {
	const lines = 40
	text, err := os.ReadFile(b.log())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
