package receive

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"remux-retrier/internal/smnsim"
)

func TestANotificationIsPublishedAsItCame(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	m := b.message(smnsim.Notification, smnsim.TaskEnded("538526", "FAILED", "MPC.10105", "ü\n\u2028\"<"), smnsim.Message{"subject": "MPC"})
	body := append([]byte(" \n"), m.Body()...)
	for range 2 { // the service answers duplicates once
		b.sends(200, "a notification", body, "Content-Type", "text/plain")
	}
	records := b.kafka.published()
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		if string(r.Key) != "538526" || !bytes.Equal(r.Value, body) || r.Headers != nil {
			t.Errorf("%q: %q", r.Key, r.Value)
		}
	}
	if n := b.counted(published, failure); n != 2 {
		t.Errorf("%d counted", n)
	}
}

func TestTheAnswerComesOnlyAfterTheAcknowledgement(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	var once sync.Once
	writing, acknowledged := make(chan struct{}), make(chan struct{})
	b.kafka.produce = func(context.Context) error {
		once.Do(func() { close(writing) })
		<-acknowledged
		return nil
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		b.sends(200, "a notification", b.failure("1").Body())
	}()
	<-writing
	select {
	case <-answered:
		t.Error("answered before the replicas had it")
	default:
	}
	// A stop lets it end.
	stopped := make(chan struct{})
	go func() { defer close(stopped); b.stop() }()
	for { // until no new connection is taken
		resp, err := http.Get(b.url() + "healthz")
		if err != nil {
			break
		}
		_ = resp.Body.Close()
	}
	close(acknowledged)
	<-answered
	<-stopped
	if len(b.kafka.published()) != 1 {
		t.Error("the stop lost it")
	}
}

func TestKafkaAwayIs503AndNothingIsLost(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	b.kafka.set(errors.New("no broker answers"))
	m := b.failure("1")
	b.sends(503, "Kafka is away", m.Body())
	if ok, detail := b.topic.writable(); ok || detail != "no broker answers" {
		t.Errorf("ready: %v, %q", ok, detail)
	}
	b.kafka.set(nil)
	if status, err := b.smn.Deliver(t.Context(), b.url(), m); err != nil || status != 200 || len(b.kafka.published()) != 1 {
		t.Errorf("%d, %v, %d records", status, err, len(b.kafka.published()))
	}
	if b.counted(unavailable, "kafka") != 1 || b.counted(published, failure) != 1 {
		t.Error("not counted")
	}
}

func TestWhatIsNoFailureIsPublishedDroppedOrMadeADeadLetter(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	for _, c := range []struct{ text, key, result, reason string }{
		{smnsim.TaskEnded("7", "SUCCEED", "", ""), "7", published, noFailure},
		{`{"event_type":"RemuxComplete","remux_info":{"task_id":8,"status":"CANCELED"}}`, "8", published, noFailure},
		{`{"task_id":"9"}`, "9", published, failure},
		{`{"event_type":"TranscodeComplete","transcode_info":{"task_id":"1","status":"FAILED"}}`, "", dropped, otherEvent},
		{`{"event_type":"RemuxComplete","remux_info":{"task_id":"","status":"SUCCEED"}}`, "", dropped, otherEvent},
		{"Task 1 failed.", "message-id", published, unreadable},
		{`{"event_type":"RemuxComplete","remux_info":{"task_id":"a b","status":"FAILED"}}`, "message-id", published, unreadable},
	} {
		before, counted := len(b.kafka.published()), b.counted(c.result, c.reason)
		m := b.message(smnsim.Notification, c.text, smnsim.Message{"message_id": "message-id"})
		b.sends(200, c.text, m.Body())
		records := b.kafka.published()[before:]
		if c.key == "" && len(records) != 0 || c.key != "" && (len(records) != 1 || string(records[0].Key) != c.key) {
			t.Errorf("%s: %q", c.text, records)
		}
		if b.counted(c.result, c.reason) != counted+1 {
			t.Errorf("%s is not counted as %s, %s", c.text, c.result, c.reason)
		}
	}
}

func TestASubscriptionOfAListedTopicIsConfirmed(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	m := b.message(smnsim.Subscribe, "You are invited", nil)
	b.sends(200, "a confirmation", m.Body())
	if !b.smn.Confirmed(m) || b.said("confirmed the subscription") != 1 || b.counted(confirmed, bySMN) != 1 {
		t.Error("not confirmed, not said or not counted")
	}
	other := b.message(smnsim.Subscribe, "You are invited", smnsim.Message{"topic_urn": urn + "2"})
	b.sends(403, "another topic", other.Body())
	elsewhere := b.message(smnsim.Subscribe, "You are invited", smnsim.Message{"subscribe_url": "https://169.254.169.254/?token=secret-token"})
	b.sends(403, "another host", elsewhere.Body())
	if b.smn.Confirmed(other) || len(b.kafka.published()) > 0 || b.said("secret-token") > 0 {
		t.Error("confirmed, published, or its token is in the log")
	}
}

func TestARefusedConfirmationIsAskedForAgain(t *testing.T) {
	for status, want := range map[int]int{500: 503, 404: 503, 302: 503} {
		b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, r *http.Request, own http.Handler) {
			switch r.URL.Path {
			case "/smn/subscription/confirm":
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			case "/elsewhere":
				t.Error("a redirect was followed")
			default:
				own.ServeHTTP(w, r)
			}
		}}, nil)
		b.sends(want, "a confirmation", b.message(smnsim.Subscribe, "You are invited", nil).Body())
		if b.said("cannot be confirmed") != 1 || b.counted(unavailable, "confirmation") != 1 {
			t.Errorf("%d: not said or not counted", status)
		}
	}
}

func TestTheEndOfASubscriptionIsSaid(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	b.sends(200, "an end", b.message(smnsim.Unsubscribe, "You have unsubscribed", nil).Body())
	if b.said("SMN has ended this subscription") != 1 || b.counted(unsubscribed, bySMN) != 1 || len(b.kafka.published()) > 0 {
		t.Error("not said, not counted, or published")
	}
}

func TestLoadBalancersAreAnswered(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	get := func(path string) int {
		resp, err := http.Get(b.url() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	until(t, func() bool { return get("readyz") == 200 })
	b.kafka.set(errors.New("away"))
	until(t, func() bool { return get("readyz") == 503 })
	if get("healthz") != 200 || get("") != 404 {
		t.Error("an answer other than that of /readyz depends on Kafka")
	}
	b.kafka.set(nil)
	until(t, func() bool { return get("readyz") == 200 })
	r, _ := http.NewRequest(http.MethodDelete, b.url(), nil)
	b.wants(405, "DELETE", r)
	if b.said("are answered 503") != 1 || b.said("are published again") != 1 {
		t.Error("the condition is not said once")
	}
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to that")
		}
	}
}

func TestMessagesComeByHTTPS(t *testing.T) {
	h := httptest.NewTLSServer(nil)
	pair, client := h.TLS.Certificates[0], h.Client()
	h.Close()
	b := start(t, smnsim.Config{}, func(c *Config) { c.TLS = func() tls.Certificate { return pair } })
	resp, err := client.Post("https://"+b.Addr()+"/smn", "application/json", bytes.NewReader(b.failure("1").Body()))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	client.CloseIdleConnections()
	if resp.StatusCode != 200 || resp.Proto != "HTTP/1.1" || len(b.kafka.published()) != 1 {
		t.Errorf("%d by %s", resp.StatusCode, resp.Proto)
	}
	if resp, err := http.Get(b.url()); err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("plain HTTP: %d", resp.StatusCode)
		}
	}
}
