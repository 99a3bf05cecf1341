package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/binding/spec"
	"github.com/cloudevents/sdk-go/v2/event"

	"remux-retrier/events"
	"remux-retrier/events/eventstest"
)

// record lets the CloudEvents SDK read a Kafka record in binary mode. The SDK's own Kafka
// bindings would need another Kafka client.
type record events.Message

func (r record) ReadEncoding() binding.Encoding { return binding.EncodingBinary }

func (r record) ReadStructured(context.Context, binding.StructuredWriter) error {
	return binding.ErrNotStructured
}

func (r record) ReadBinary(_ context.Context, w binding.BinaryWriter) error {
	specversion, _ := eventstest.HeaderOf(r.Headers, "ce_specversion")
	version := spec.WithPrefix("ce_").Version(specversion)
	if version == nil {
		return binding.ErrUnknownEncoding
	}
	for _, h := range r.Headers {
		name, isAttribute := strings.CutPrefix(h.Key, "ce_")
		var err error
		switch attribute := version.Attribute(h.Key); {
		case h.Key == "content-type":
			err = w.SetAttribute(version.AttributeFromKind(spec.DataContentType), string(h.Value))
		case attribute != nil:
			err = w.SetAttribute(attribute, string(h.Value))
		case isAttribute:
			err = w.SetExtension(name, string(h.Value))
		}
		if err != nil {
			return err
		}
	}
	return w.SetData(bytes.NewReader(r.Value))
}

func (r record) GetAttribute(spec.Kind) (spec.Attribute, any) { return nil, nil }
func (r record) GetExtension(string) any                      { return nil }

func TestCloudEventsSDKReadsOurOutcomes(t *testing.T) {
	for _, reason := range events.Reasons() {
		want := eventstest.Outcome(reason)
		m := eventstest.Encode(t, want)
		got, err := binding.ToEvent(context.Background(), record(m))
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		if err := got.Validate(); err != nil {
			t.Errorf("%s: %v", reason, err)
		}
		id, _ := eventstest.HeaderOf(m.Headers, "ce_id")
		for name, pair := range map[string][2]string{
			"specversion":     {got.SpecVersion(), "1.0"},
			"id":              {got.ID(), id},
			"source":          {got.Source(), want.Origin},
			"type":            {got.Type(), reason.Kind().Type()},
			"subject":         {got.Subject(), want.Failure.TaskID},
			"datacontenttype": {got.DataContentType(), "application/json"},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %s is %q, want %q", reason, name, pair[0], pair[1])
			}
		}
		if !got.Time().Equal(want.DecidedAt) {
			t.Errorf("%s: time %v, want %v", reason, got.Time(), want.DecidedAt)
		}
		var data struct {
			TaskID string `json:"task_id"`
			Reason string `json:"reason"`
		}
		if err := got.DataAs(&data); err != nil || data.TaskID != want.Failure.TaskID || data.Reason != string(reason) {
			t.Errorf("%s: data %+v, %v", reason, data, err)
		}
	}
}

func TestWeReadWhatCloudEventsSDKWrites(t *testing.T) {
	e := event.New()
	e.SetID("e-1")
	e.SetSource("/platform")
	e.SetType("remux.failed")
	e.SetExtension("traceparent", eventstest.Parent)
	asJSON := map[string]any{"task_id": "538526", "error_code": "MPC.10105", "description": "please retry"}
	want := eventstest.WithParent(eventstest.WithID(eventstest.Full, "e-1"), eventstest.Parent)
	for name, data := range map[string]any{
		"data":        asJSON,
		"data_base64": []byte(`{"task_id":"538526","error_code":"MPC.10105","description":"please retry"}`),
	} {
		if err := e.SetData("application/json", data); err != nil {
			t.Fatal(err)
		}
		e.DataBase64 = name == "data_base64"
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), `"`+name+`":`) {
			t.Fatalf("the SDK wrote no %s: %s", name, text)
		}
		got, err := events.ReadFailure(text, []events.Header{eventstest.Header("content-type", "application/cloudevents+json")})
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
