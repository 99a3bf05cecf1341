//go:build kafka

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/testkafka"
)

func TestEveryCodecIsRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	const each = 200
	for name, codec := range codecs {
		client := r.newClient(kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
		var records []*kgo.Record
		for i := range each {
			rec := event(fmt.Sprintf("%s-%d", name, i))
			rec.Value = fmt.Appendf(nil, `{"task_id":"%s-%d","padding":%q}`, name, i, strings.Repeat(name, 100))
			records = append(records, rec)
		}
		r.publishWith(client, records...)
	}
	r.start().ready()
	r.finishWithoutRepeats(40 * time.Second)
	r.calledOnce(t, each*len(codecs))
}

// Only records of committed transactions are failure events. Records of open
// transactions may still be aborted.
func TestAbortedTransactionsAreNoEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 2})
	r.start().ready()
	const rounds, each = 12, 25
	committed := 0
	for round := range rounds {
		client := r.newClient(kgo.TransactionalID(fmt.Sprintf("%s-%d", r.group, round%3)))
		must(t, client.BeginTransaction())
		var records []*kgo.Record
		abort := round%3 == 1
		for i := range each {
			task := fmt.Sprintf("round-%d-%d", round, i)
			if abort {
				task = "aborted-" + task
			}
			rec := event(task)
			rec.Topic = r.failed
			records = append(records, rec)
		}
		must(t, client.ProduceSync(r.ctx, records...).FirstErr())
		if abort {
			must(t, client.EndTransaction(r.ctx, kgo.TryAbort))
		} else {
			if round == rounds-1 { // an open transaction holds its events back
				<-time.After(2 * time.Second) // time in which they could be read by mistake
				if n := r.mpc.Counters().Retries; n > committed {
					t.Errorf("%d calls for %d events of committed transactions: an open one was read", n, committed)
				}
			}
			must(t, client.EndTransaction(r.ctx, kgo.TryCommit))
			r.addPublished(records...)
			committed += len(records)
			if round < rounds-1 {
				r.waitForAnswers(committed, 20*time.Second)
			}
		}
		client.Close()
	}
	r.finishWithoutRepeats(30 * time.Second)
	r.calledOnce(t, committed)
	for _, request := range r.mpc.Requests() {
		if strings.HasPrefix(request.TaskIDs[0], "aborted-") {
			t.Errorf("task %s of an aborted transaction was called", request.TaskIDs[0])
		}
	}
}

func TestKafkasOwnConsoleProducerIsUnderstood(t *testing.T) {
	t.Parallel()
	jars := kafkaJars(t)
	r := newRig(t, options{partitions: 1})
	r.start().ready()
	cmd := exec.CommandContext(r.ctx, "java", "-cp", jars, "org.apache.kafka.tools.ConsoleProducer",
		"--bootstrap-server", strings.Join(r.brokers, ","), "--topic", r.failed,
		"--reader-property", "parse.key=true", "--reader-property", "parse.headers=true",
		"--reader-property", "headers.delimiter=|", "--reader-property", "key.separator=;",
		"--compression-codec", "gzip")
	cmd.Stdin = strings.NewReader("traceparent:" + trace + `|538526;{"task_id":"538526"}` + "\n" + `a:b|key;no JSON` + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("console producer: %v\n%s", err, out)
	}
	// The records are read back, to learn their offsets.
	reader := r.newClient(kgo.ConsumeTopics(r.failed), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var written []*kgo.Record
	waitFor(t, 20*time.Second, "the console producer's records", func() (bool, string) {
		reader.PollFetches(r.ctx).EachRecord(func(rec *kgo.Record) { written = append(written, rec) })
		return len(written) == 2, fmt.Sprint(len(written))
	})
	r.addPublished(written...)
	r.finishWithoutRepeats(30 * time.Second)
	if o := r.collector.of(written[0]); o == nil || o.TaskID != "538526" || o.headers["traceparent"] != trace {
		t.Errorf("outcome %+v", o)
	}
	letter := r.collector.letter(written[1])
	if letter == nil || string(letter.Key) != "key" || string(letter.Value) != "no JSON" || headersOf(letter)["a"] != "b" {
		t.Errorf("dead letter %+v", letter)
	}
}

// kafkaJars returns the class path of Kafka's own tools.
func kafkaJars(t *testing.T) string {
	t.Helper()
	libs, err := testkafka.Jars(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(libs, "*")
}
