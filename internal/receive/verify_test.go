package receive

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/smnsim"
)

func TestForgeriesAreRefused(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	other := start(t, smnsim.Config{}, nil)
	good := b.message(smnsim.Notification, smnsim.TaskEnded("1", "FAILED", "", ""), smnsim.Message{"subject": "MPC"})
	raw := func(old, replacement string) []byte {
		changed := bytes.Replace(good.Body(), []byte(old), []byte(replacement), 1)
		if bytes.Equal(changed, good.Body()) {
			t.Fatalf("nothing to replace: %s", old)
		}
		return changed
	}
	with := func(fields ...string) []byte {
		m := smnsim.Message{}
		for i := 0; i < len(fields); i += 2 {
			m[fields[i]] = fields[i+1]
		}
		return good.With(m).Body()
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, _ = zip.Write(good.Body())
	_ = zip.Close()
	for what, c := range map[string]struct {
		body   []byte
		reason string
	}{
		"another message":             {with("message", smnsim.TaskEnded("2", "FAILED", "", "")), "signature"},
		"another message_id":          {with("message_id", "x"), "signature"},
		"another subject":             {with("subject", "x"), "signature"},
		"no subject":                  {with("subject", ""), "signature"},
		"another time":                {with("timestamp", time.Now().Add(time.Second).UTC().Format(time.RFC3339)), "signature"},
		"another listed type":         {with("type", smnsim.Unsubscribe), "signature"},
		"a type of none":              {with("type", "HttpSubscriptionUserConfirm"), "type"},
		"a type in another case":      {with("type", "notification"), "type"},
		"a topic that is not listed":  {with("topic_urn", urn+"x"), "topic"},
		"a signature of somebody":     {other.failure("1").With(smnsim.Message{"signing_cert_url": b.smn.CertURL()}).Body(), "signature"},
		"no signature":                {with("signature", ""), "signature"},
		"a signature in no base64":    {with("signature", "§"), "signature"},
		"another version":             {with("signature_version", "v2"), "signature"},
		"a certificate of somebody":   {other.failure("1").Body(), "certificate_host"},
		"a certificate by http":       {with("signing_cert_url", "http://"+b.smn.Host()+"/smn/SMN_sim.pem"), "certificate_host"},
		"a host in user information":  {with("signing_cert_url", "https://"+b.smn.Host()+"@example.com/x.pem"), "certificate_host"},
		"user information":            {with("signing_cert_url", "https://u:p@"+b.smn.Host()+"/x.pem"), "certificate_host"},
		"a host that begins alike":    {with("signing_cert_url", "https://"+b.smn.Host()+".example.com/x.pem"), "certificate_host"},
		"no certificate":              {with("signing_cert_url", ""), "certificate_host"},
		"a file for a certificate":    {with("signing_cert_url", "file:///etc/passwd"), "certificate_host"},
		"a certificate there is none": {with("signing_cert_url", "https://"+b.smn.Host()+"/other.pem"), "certificate"},
		"no JSON":                     {[]byte("hello"), "malformed"},
		"nothing":                     {nil, "malformed"},
		"an array":                    {[]byte("[]"), "malformed"},
		"two messages":                {raw(`"message":`, `"message":"x","message":`), "malformed"},
		"a message that is no string": {raw(`"message":`, `"message":{},"mess":`), "malformed"},
		"names in another case":       {raw(`"message":`, `"Message":`), "malformed"},
		"no UTF-8":                    {raw(`"message":"`, `"message":"`+"\xff"), "malformed"},
		"more after the end":          {append(good.Body(), '{'), "malformed"},
		// Fields move, and the signed text stays the same.
		"a subject in the message_id": {with("message_id", good["message_id"]+"\nsubject\nMPC", "subject", ""), "malformed"},
		// The signed fields are genuine, but the service would read others.
		"a CloudEvent around it":         {raw(`{`, `{"specversion":"1.0","data":{"task_id":"666"},`), "malformed"},
		"another CloudEvent around it":   {raw(`{`, `{"specversion":"1.0","id":"x","data_base64":"eyJ0YXNrX2lkIjoiNjY2In0=",`), "malformed"},
		"a bomb that says what it is":    {packed.Bytes(), "encoding"},
		"a bomb that does not":           {packed.Bytes(), "malformed"},
		"more than a message can have":   {bytes.Repeat([]byte(" "), maxBody+1), "too_large"},
		"a subscription, no url":         {b.message(smnsim.Subscribe, "x", smnsim.Message{"subscribe_url": ""}).Body(), "subscribe_host"},
		"a subscription, another's url":  {b.message(smnsim.Subscribe, "x", nil).With(smnsim.Message{"subscribe_url": "https://" + b.smn.Host() + "/"}).Body(), "signature"},
		"a subscription, forged":         {b.message(smnsim.Subscribe, "x", nil).With(smnsim.Message{"message": "y"}).Body(), "signature"},
		"the end of a subscription, too": {b.message(smnsim.Unsubscribe, "x", nil).With(smnsim.Message{"message": "y"}).Body(), "signature"},
	} {
		want, headers := 403, []string(nil)
		switch c.reason {
		case "encoding":
			want, headers = 415, []string{"Content-Encoding", "gzip"}
		case "too_large":
			want = 413
		}
		before := b.counted(refused, c.reason)
		b.sends(want, what, c.body, headers...)
		if b.counted(refused, c.reason) != before+1 {
			t.Errorf("%s is not counted as %s: %s", what, c.reason, b.lastLine())
		}
	}
	if n := len(b.kafka.published()); n > 0 {
		t.Errorf("%d forgeries were published", n)
	}
	b.sends(200, "the message itself", good.Body())
}

func TestForgeriesDoNotFillTheLog(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	body := b.failure("1").With(smnsim.Message{"message": strings.Repeat("x", 10_000)}).Body()
	for range 200 {
		b.sends(403, "a forgery", body)
	}
	if n := b.said("refused a message"); n > 2 || len(b.lastLine()) > 1000 {
		t.Errorf("%d lines, the last: %s", n, b.lastLine())
	}
	if n := b.counted(refused, "signature"); n != 200 {
		t.Errorf("%d counted", n)
	}
}

func TestOnlyRecentMessagesAreTaken(t *testing.T) {
	for what, c := range map[string]struct {
		signed, clock time.Duration // from now
		want          int
	}{
		"SMN's seventh attempt":          {-time.Hour, 0, 200},
		"a replay hours later":           {-2*time.Hour - time.Minute, 0, 403},
		"a replay days later":            {-72 * time.Hour, 0, 403},
		"our clock is ten minutes slow":  {0, -10 * time.Minute, 200},
		"our clock is an hour slow":      {0, -time.Hour, 403},
		"our clock is ten minutes ahead": {0, 10 * time.Minute, 200},
		"from the future":                {20 * time.Minute, 0, 403},
	} {
		b := start(t, smnsim.Config{}, func(c2 *Config) { c2.Clock = wall{clock.System, c.clock} })
		stamp := time.Now().Add(c.signed).UTC().Format(time.RFC3339)
		b.sends(c.want, what, b.message(smnsim.Notification, smnsim.TaskEnded("1", "FAILED", "", ""), smnsim.Message{"timestamp": stamp}).Body())
		if c.want == 403 && b.counted(refused, "time") != 1 {
			t.Errorf("%s: %s", what, b.lastLine())
		}
	}
	b := start(t, smnsim.Config{}, nil)
	for _, stamp := range []string{"yesterday", "2016-08-15 07:29:16", "1478000000"} {
		b.sends(403, stamp, b.message(smnsim.Notification, "{}", smnsim.Message{"timestamp": stamp}).Body())
	}
	if b.counted(refused, "time") != 3 {
		t.Error(b.lastLine())
	}
}

func TestACertificateThatHasEndedSignsNothing(t *testing.T) {
	var certificate []byte
	b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = w.Write(certificate) }}, nil)
	var err error
	if certificate, err = b.smn.Certificate(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.sends(403, "an old certificate", b.failure("1").Body())
	if b.counted(refused, "certificate") != 1 {
		t.Error(b.lastLine())
	}
}

// A message is judged by the certificate that is at its URL now, not by an earlier one.
func TestAMessageSignedWithAReplacedCertificateIsTaken(t *testing.T) {
	var certificate atomic.Pointer[[]byte]
	b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { _, _ = w.Write(*certificate.Load()) }}, nil)
	other, err := smnsim.New(smnsim.Config{Topic: urn})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i, sim := range []*smnsim.SMN{other, b.smn} {
		encoded, err := sim.Certificate(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		certificate.Store(&encoded)
		b.sends([]int{403, 200}[i], "a notification", b.failure("1").Body())
		c := b.verifier.certificates
		c.mu.Lock()
		for _, k := range c.known {
			k.fetchEnded = k.fetchEnded.Add(-renewAfter)
		}
		c.mu.Unlock()
	}
}

// The message may be signed with the certificate that has replaced it.
func TestAMessageThatDoesNotMatchIs503WhileTheCertificateCannotBeRenewed(t *testing.T) {
	var away atomic.Bool
	b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, r *http.Request, own http.Handler) {
		if away.Load() {
			http.NotFound(w, r)
			return
		}
		own.ServeHTTP(w, r)
	}}, nil)
	other := start(t, smnsim.Config{}, nil)
	m := other.failure("1").With(smnsim.Message{"signing_cert_url": b.smn.CertURL()})
	aMinutePasses := func() {
		c := b.verifier.certificates
		c.mu.Lock()
		defer c.mu.Unlock()
		k := c.known[b.smn.CertURL()]
		k.fetchEnded, k.fetched = k.fetchEnded.Add(-renewAfter), k.fetched.Add(-renewAfter)
		if k.verified.IsZero() {
			t.Error("its URL is not known to have verified a message")
		}
	}
	b.sends(200, "a message of SMN", b.failure("2").Body())
	b.sends(403, "another's", m.Body())
	aMinutePasses()
	away.Store(true)
	for range 2 {
		b.sends(503, "another's, and the host answers 404", m.Body())
		b.sends(200, "a message of SMN", b.failure("2").Body())
	}
	aMinutePasses()
	away.Store(false)
	b.sends(403, "another's, and the host answers", m.Body())
	if b.counted(unavailable, "certificate") != 2 || b.counted(refused, "signature") != 2 {
		t.Error(b.lastLine())
	}
}

// The vendor's own examples: smn_ug_a9003 has the texts that are signed, and a9004
// the code that ends each line; a9002 has a message.
func TestTheVendorsExamples(t *testing.T) {
	for want, e := range map[string]envelope{
		"message\nMy test message\nmessage_id\n88c726942175432bac921eafd0036163\nsubject\ndemo\ntimestamp\n2016-08-15T07:29:16Z\n" +
			"topic_urn\nurn:smn:regionId:74dc9e44d0cc4573adfce91cdfdd3ba9:xxxx\ntype\nNotification\n": {
			Type: typeNotification, Message: "My test message", MessageID: "88c726942175432bac921eafd0036163", Subject: "demo",
			Timestamp: "2016-08-15T07:29:16Z", TopicURN: "urn:smn:regionId:74dc9e44d0cc4573adfce91cdfdd3ba9:xxxx",
		},
		"message\nMy test message\nmessage_id\n88c726942175432bac921eafd0036163\ntimestamp\n2016-08-15T07:29:16Z\n" +
			"topic_urn\nurn:smn:regionId:74dc9e44d0cc4573adfce91cdfdd3ba9:xxxx\ntype\nNotification\n": {
			Type: typeNotification, Message: "My test message", MessageID: "88c726942175432bac921eafd0036163",
			Timestamp: "2016-08-15T07:29:16Z", TopicURN: "urn:smn:regionId:74dc9e44d0cc4573adfce91cdfdd3ba9:xxxx",
		},
		"message\nYou are invited\nmessage_id\ndef5c309cbff44d5a870787ed937edf8\nsubscribe_url\nhttps://console.example.com/smn/subscription/confirm?Token\n" +
			"timestamp\n2016-08-15T07:29:16Z\ntopic_urn\nurn:smn:regionId:d91989905b8449b896f3a4f0ad57222d:demo\ntype\nSubscriptionConfirmation\n": {
			Type: typeSubscribe, Message: "You are invited", MessageID: "def5c309cbff44d5a870787ed937edf8", Subject: "not signed",
			SubscribeURL: "https://console.example.com/smn/subscription/confirm?Token",
			Timestamp:    "2016-08-15T07:29:16Z", TopicURN: "urn:smn:regionId:d91989905b8449b896f3a4f0ad57222d:demo",
		},
	} {
		if got := string(e.signed()); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		m := smnsim.Message{"type": e.Type, "message": e.Message, "message_id": e.MessageID, "subject": e.Subject, "timestamp": e.Timestamp, "topic_urn": e.TopicURN, "subscribe_url": e.SubscribeURL}
		if got := m.StringToSign(); got != want {
			t.Errorf("smnsim signs %q, want %q", got, want)
		}
	}
	e, err := parseEnvelope([]byte(`{
  "subscribe_url": "https://console.huaweicloud.com/smn/subscription/confirm?token=0a41&topic_urn=urn:smn:region01:0a419ac94f80f2c62f14c01e34:test_01&region=region01&region_id=region01",
  "signature": "W/DQSiqpRkY6En0jNaFtCYOpmUjMhzoJIdMPLhnRv37iPzNhH",
  "topic_urn": "urn:smn:region01:0a419ac94f80f2c62f14c01e34:test_01",
  "message_id": "54bb04eddfc842e9b44ca36393f77cd3",
  "signature_version": "v1",
  "type": "SubscriptionConfirmation",
  "message": "You are invited to subscribe to topic: urn:smn:regionid:0a419ac94f80f2c62f14c01e34:test_01. To confirm this subscription, please visit the subscribe_url included in this message. The subscribe_url is valid only within 48 hours.",
  "signing_cert_url": "https://smn.region01.myhuaweicloud.com/smn/SMN_region01_3190c26a56fb435f9882e3435b.pem",
  "timestamp": "2024-07-10T09:43:44Z"
}`))
	if err != nil || e.Type != typeSubscribe || e.SignatureVersion != "v1" || e.MessageID != "54bb04eddfc842e9b44ca36393f77cd3" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := time.Parse(time.RFC3339, e.Timestamp); err != nil {
		t.Error(err)
	}
}
