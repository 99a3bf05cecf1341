package app_test

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/internal/page"
)

// Reading many outcomes takes seconds. The page must not say that the group is still being
// joined.
func TestThePageSaysThatTheOutcomeTopicsAreRead(t *testing.T) {
	cluster, env := fakeBroker(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 2, 1, nil, "remux.retried"); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "remux.retried", Key: []byte("1"), Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	fetch := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { <-fetch })
		return nil, nil, false
	})
	p := (&operation{t: t, env: env}).begin("reader", "topics created")
	p.waitFor("the page says so", func() (bool, string) {
		s := p.status()
		return s.State.Name == page.Reading && !s.Kafka.LedgerRead, fmt.Sprintf("%+v", s.State)
	})
	close(fetch)
	p.waitFor("the ledger is read", func() (bool, string) {
		s := p.status()
		return s.State.Name == page.Idle, fmt.Sprintf("%+v", s.State)
	})
}
