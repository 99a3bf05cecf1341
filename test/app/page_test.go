package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/page"
)

// operation runs the real service with an embedded broker and a simulated MPC. The test
// sees only the page, like an engineer on call.
type operation struct {
	t      *testing.T
	env    map[string]string
	mpc    *mpcsim.Server
	client *kgo.Client
}

func operate(t *testing.T, env map[string]string) *operation {
	t.Helper()
	o := &operation{t: t, env: environment(t, allTopics())}
	var err error
	if o.mpc, err = mpcsim.Start(mpcsim.Config{ProjectID: "p", Tokens: []mpcsim.Secret{"token"}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.mpc.Close)
	if o.client, err = kgo.NewClient(kgo.SeedBrokers(strings.Split(o.env["KAFKA_BROKERS"], ",")...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.client.Close)
	o.env["MPC_ENDPOINT"] = o.mpc.URL()
	maps.Copy(o.env, env)
	return o
}

// instance starts an instance and returns its page, when its partitions are being worked on.
func (o *operation) instance(name string) *pageReader {
	o.t.Helper()
	p := o.begin(name, "partitions assigned")
	p.waitFor("the ledger is read", func() (bool, string) {
		s := p.status()
		return s.Kafka.LedgerRead && len(s.Partitions) > 0, fmt.Sprintf("%+v", s.State)
	})
	return p
}

// begin starts an instance and returns its page, when it has logged the text.
func (o *operation) begin(name, logged string) *pageReader {
	o.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		o.t.Fatal(err)
	}
	o.env["HTTP_ADDR"], o.env["KAFKA_CLIENT_ID"] = listener.Addr().String(), name
	if err := listener.Close(); err != nil {
		o.t.Fatal(err)
	}
	output, _ := start(o.t, o.env)
	await(o.t, output, logged)
	return &pageReader{o.t, "http://" + o.env["HTTP_ADDR"]}
}

// fail publishes a failure event for each task, keyed by the task's id.
func (o *operation) fail(ids ...string) {
	o.t.Helper()
	for _, id := range ids {
		o.publish(id, `{"task_id":"`+id+`"}`)
	}
}

func (o *operation) publish(key, value string) {
	o.t.Helper()
	if err := o.client.ProduceSync(o.t.Context(), &kgo.Record{Topic: "remux.failed", Key: []byte(key), Value: []byte(value)}).FirstErr(); err != nil {
		o.t.Fatal(err)
	}
}

func (o *operation) setOutage(outage mpcsim.Outage) {
	o.t.Helper()
	if err := o.mpc.SetFaults(mpcsim.Faults{Outage: outage}); err != nil {
		o.t.Fatal(err)
	}
}

// pageReader reads an instance's page.
type pageReader struct {
	t   *testing.T
	url string
}

func read[T any](p *pageReader, path string) (doc T) {
	p.t.Helper()
	answer, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&doc); err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
	}
	return doc
}

func (p *pageReader) status() page.Status { p.t.Helper(); return read[page.Status](p, "/api/status") }

// ask requests what the page shows for a task's id. remembers requests only what the
// instance has in memory, which the page shows first.
func (p *pageReader) ask(id string) page.Task {
	p.t.Helper()
	return read[page.Task](p, "/api/tasks/?id="+url.QueryEscape(id))
}

func (p *pageReader) remembers(id string) page.Task {
	p.t.Helper()
	return read[page.Task](p, "/api/tasks/?topics=false&id="+url.QueryEscape(id))
}

// waitFor polls done until it returns true.
func (p *pageReader) waitFor(what string, done func() (bool, string)) {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		ok, seen := done()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not within a minute: %s; %s", what, seen)
		}
		time.Sleep(50 * time.Millisecond) // the service runs in real time
	}
}

// waitForVerdict waits until the page has this verdict on the task, and checks that its
// text contains the words.
func (p *pageReader) waitForVerdict(id, code string, says ...string) {
	p.t.Helper()
	var got page.Task
	p.waitFor("the verdict "+code+" on "+id, func() (bool, string) {
		got = p.ask(id)
		return got.Verdict.Code == code, fmt.Sprintf("%+v %+v", got.Verdict, got.Stories)
	})
	for _, words := range says {
		if text := got.Verdict.Title + "\n" + got.Verdict.Text; !strings.Contains(text, words) {
			p.t.Errorf("%s: %q is missing: %s", id, words, text)
		}
	}
	if got.TopicsProblem != "" {
		p.t.Errorf("%s: the topics: %s", id, got.TopicsProblem)
	}
}

// last returns the kind of a task's last step; empty: nothing is known, or the event is
// answered.
func last(t page.Task) string {
	if len(t.Stories) == 0 || t.Stories[len(t.Stories)-1].Outcome != "" {
		return ""
	}
	steps := t.Stories[len(t.Stories)-1].Steps
	return steps[len(steps)-1].Kind
}
