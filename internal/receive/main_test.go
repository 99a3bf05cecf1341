package receive

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/smnsim"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

const urn = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc"

// fakeKafka keeps what is published.
type fakeKafka struct {
	mu      sync.Mutex
	records []consumer.Message
	away    error
	produce func(context.Context) error // before a record is kept
	check   func(consumer.Message) error
}

func (k *fakeKafka) set(away error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = away
}

func (k *fakeKafka) trouble() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.away
}

func (k *fakeKafka) Partitions(context.Context, string) (int, error) { return 8, k.trouble() }

func (k *fakeKafka) PartitionFor(_ context.Context, _ string, key []byte) (int, error) {
	return len(key) % 8, k.trouble()
}

func (k *fakeKafka) Bounds(context.Context, string, int) (first, next int64, err error) {
	return 0, 0, k.trouble()
}

func (k *fakeKafka) Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (int64, error) {
	if k.produce != nil {
		if err := k.produce(ctx); err != nil {
			return 0, err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away != nil {
		return 0, k.away
	}
	for _, m := range messages {
		if k.check != nil {
			if err := k.check(m); err != nil {
				return 0, err
			}
		}
		if m.Topic != topic || partition != len(m.Key)%8 {
			return 0, errors.New("the wrong place")
		}
		k.records = append(k.records, m)
	}
	return int64(len(k.records) - 1), nil
}

func (k *fakeKafka) published() []consumer.Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]consumer.Message(nil), k.records...)
}

// bench is a server that runs, and an SMN.
type bench struct {
	*Server
	t     *testing.T
	kafka *fakeKafka
	smn   *smnsim.SMN
	log   *test.Hook
	stop  func()
}

// wall is a clock whose wall time is off.
type wall struct {
	clock.Clock
	off time.Duration
}

func (w wall) Wall() time.Time { return time.Now().Add(w.off) }

func start(t *testing.T, smn smnsim.Config, change func(*Config)) *bench {
	t.Helper()
	if smn.Topic == "" {
		smn.Topic = urn
	}
	sim, err := smnsim.New(smn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(sim.CA())
	log, hook := test.NewNullLogger()
	log.SetLevel(logrus.DebugLevel)
	b := &bench{t: t, kafka: &fakeKafka{}, smn: sim, log: hook}
	c := Config{
		Addr: "127.0.0.1:0", Topics: []string{urn}, Hosts: []string{sim.Host()}, Roots: func() *x509.CertPool { return roots },
		MaxAge: 2 * time.Hour, Kafka: b.kafka, Topic: "remux.failed", Stop: 10 * time.Second, Agent: "test",
		Clock: clock.System, Meters: NewMeters(), Log: log,
	}
	if change != nil {
		change(&c)
	}
	if b.Server, err = New(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx, func() {}) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

func (b *bench) url() string { return "http://" + b.Addr() + "/" }

// message is one of SMN's, signed.
func (b *bench) message(kind, text string, fields smnsim.Message) smnsim.Message {
	b.t.Helper()
	m, err := b.smn.Message(kind, text, fields)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func (b *bench) failure(taskID string) smnsim.Message {
	return b.message(smnsim.Notification, smnsim.TaskEnded(taskID, "FAILED", "MPC.10105", "…"), nil)
}

// sends posts a body and wants a status.
func (b *bench) sends(want int, what string, body []byte, headers ...string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url(), strings.NewReader(string(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	b.wants(want, what, r)
}

func (b *bench) wants(want int, what string, r *http.Request) {
	b.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		b.t.Errorf("%s: %v", what, err)
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != want {
		b.t.Errorf("%s: %d %s, want %d; the log's last line: %v", what, resp.StatusCode, text, want, b.lastLine())
	}
}

func (b *bench) lastLine() string {
	if e := b.log.LastEntry(); e != nil {
		return fmt.Sprint(e.Message, e.Data)
	}
	return "none"
}

// said counts the lines with these words.
func (b *bench) said(words string) (n int) {
	for _, e := range b.log.AllEntries() {
		if strings.Contains(e.Message, words) {
			n++
		}
	}
	return n
}

// counted is what the metrics say of a result and reason.
func (b *bench) counted(result, reason string) int {
	b.t.Helper()
	families, err := b.meters.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "remux_retrier_receive_messages_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == reason && m.GetLabel()[1].GetValue() == result {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	b.t.Errorf("%s, %s is no result", result, reason)
	return 0
}
