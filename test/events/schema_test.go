// Package events_test tests the published schemas, and what package events writes, with
// other libraries: a JSON Schema validator, the CloudEvents SDK, and generated types (build
// tag schemas).
package events_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"remux-retrier/events"
	"remux-retrier/events/eventstest"
	"remux-retrier/events/schema"
)

const base = "https://schema.invalid/" // base URL of the files for the compiler

// document parses one of the published files.
func document(t testing.TB, file string) any {
	t.Helper()
	text, err := schema.Files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func parse(t testing.TB, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return v
}

// compile compiles a schema that is given by the file's name and, after #, a JSON pointer.
func compile(t testing.TB, ref string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	for _, file := range []string{"failure.schema.json", "outcome.schema.json", "recovered.schema.json", "asyncapi.json"} {
		if err := c.AddResource(base+file, document(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(base + ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at returns the value at a path of member names in a parsed document.
func at(t testing.TB, doc any, path ...string) any {
	t.Helper()
	for _, name := range path {
		object, ok := doc.(map[string]any)
		if !ok || object[name] == nil {
			t.Fatalf("there is no %q of %v", name, path)
		}
		doc = object[name]
	}
	return doc
}

func TestSchemaAcceptsWhatTheCodeAccepts(t *testing.T) {
	s := compile(t, "failure.schema.json")
	for _, test := range eventstest.Accepted {
		if err := s.Validate(parse(t, test.Value)); err != nil {
			t.Errorf("%s: %v", test.Name, err)
		}
	}
	for _, ignored := range []string{
		`{"remux_info":{"status":"SUCCEED"}}`,
		`{"event_type":"ParseComplete"}`,
		`{"event_type":"LaterComplete","later_info":{}}`,
		eventstest.SMN(`{"event_type":"TranscodeComplete","transcode_info":{"status":"FAILED"}}`),
		`{"transcode_info":{}}`,
	} {
		if err := s.Validate(parse(t, ignored)); err != nil {
			t.Errorf("a notification that is ignored: %v", err)
		}
	}
}

func TestSchemaRefusesWhatTheCodeRefuses(t *testing.T) {
	s := compile(t, "failure.schema.json")
	for _, test := range eventstest.UnreadableRecords {
		if test.BeyondSchema {
			continue
		}
		if err := s.Validate(parse(t, test.Value)); err == nil {
			t.Errorf("%s: the schema accepts %s", test.Name, test.Value)
		}
	}
}

func TestNewFailuresFitTheSchema(t *testing.T) {
	s := compile(t, "failure.schema.json")
	for _, id := range []string{"538526", `"quoted"\`, "<script>", "../../etc/passwd", "ü", strings.Repeat("é", 64)} {
		m, err := events.NewFailure(id, "requested by hand", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(parse(t, string(m.Value))); err != nil {
			t.Error(err)
		}
	}
}

func TestSchemasExamplesAreTrue(t *testing.T) {
	for _, example := range at(t, document(t, "failure.schema.json"), "examples").([]any) {
		text, err := json.Marshal(example)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := events.ReadFailure(text, nil); err != nil || f.TaskID != "538526" {
			t.Errorf("%s: %+v, %v", text, f, err)
		}
	}
	s := compile(t, "recovered.schema.json")
	for _, example := range at(t, document(t, "recovered.schema.json"), "examples").([]any) {
		if err := s.Validate(example); err != nil {
			t.Error(err)
		}
	}
	s = compile(t, "outcome.schema.json")
	for _, example := range at(t, document(t, "outcome.schema.json"), "examples").([]any) {
		if err := s.Validate(example); err != nil {
			t.Error(err)
		}
		reason := events.Reason(at(t, example, "reason").(string))
		if at(t, example, "message") != reason.Message() {
			t.Errorf("the example's message is not that of %s", reason)
		}
	}
}

func TestEveryOutcomeAndItsHeadersFitTheSchemas(t *testing.T) {
	value := compile(t, "outcome.schema.json")
	headers := map[events.Kind]*jsonschema.Schema{
		events.Retried:     compile(t, "asyncapi.json#/components/messages/retried/headers"),
		events.RetryFailed: compile(t, "asyncapi.json#/components/messages/retryFailed/headers"),
	}
	for _, reason := range events.Reasons() {
		full := eventstest.Outcome(reason)
		bare := full
		bare.Retries, bare.Error, bare.Covers, bare.Failure = nil, nil, nil, events.Failure{TaskID: "1"}
		long := full
		long.Failure.Description = strings.Repeat("\x01", 2000)
		long.Failure.UserData = strings.Repeat("\x01", 4096)
		long.Error = &events.APIError{Message: strings.Repeat("ü", 2000)}
		long.Covers = make([]events.Cover, 100)
		long.Source.Time = time.UnixMilli(-1)
		again := full
		again.PreviousRetry = &events.Retry{Source: long.Source, DecidedAt: full.DecidedAt}
		for _, o := range []events.Outcome{full, bare, long, again} {
			m := eventstest.Encode(t, o)
			if err := value.Validate(parse(t, string(m.Value))); err != nil {
				t.Errorf("%s: %v", reason, err)
			}
			if err := headers[reason.Kind()].Validate(texts(t, m.Headers)); err != nil {
				t.Errorf("%s: %v", reason, err)
			}
		}
	}
}

func TestEveryRecoveryAndItsHeadersFitTheSchemas(t *testing.T) {
	value := compile(t, "recovered.schema.json")
	headers := compile(t, "asyncapi.json#/components/messages/recovered/headers")
	full := eventstest.Recovery()
	bare, long := full, full
	bare.FirstFailedAt, bare.UserData, bare.Traceparent = time.Time{}, "", ""
	long.UserData, long.Source.Time = strings.Repeat("\x01", 4097), time.UnixMilli(-1)
	for _, r := range []events.Recovery{full, bare, long} {
		m, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := value.Validate(parse(t, string(m.Value))); err != nil {
			t.Error(err)
		}
		if err := headers.Validate(texts(t, m.Headers)); err != nil {
			t.Error(err)
		}
	}
}

func TestOutcomeSchemaRefusesContradictions(t *testing.T) {
	s := compile(t, "outcome.schema.json")
	for name, change := range map[string]func(*events.Message){
		"a reason of the other kind": eventstest.Replace(`"accepted"`, `"rejected"`),
		"an unknown reason":          eventstest.Replace(`"accepted"`, `"because"`),
		"an unknown outcome":         eventstest.Replace(`"retried"`, `"done"`),
		"negative attempts":          eventstest.Replace(`"attempts":1`, `"attempts":-1`),
		"no attempts":                eventstest.Replace(`"attempts":1,`, ``),
		"a numeric id":               eventstest.Replace(`"538526"`, `538526`),
		"another time format":        eventstest.Replace(`08:00:01.234Z`, `08:00:01Z`),
	} {
		m := eventstest.Encode(t, eventstest.Outcome(events.Accepted))
		change(&m)
		if s.Validate(parse(t, string(m.Value))) == nil {
			t.Errorf("%s: accepted %s", name, m.Value)
		}
	}
}

func TestDeadLetterHeadersFitTheirSchema(t *testing.T) {
	s := compile(t, "asyncapi.json#/components/schemas/deadLetterHeaders")
	for _, reason := range events.Defects() {
		u := &events.Unreadable{Reason: reason, Message: strings.Repeat("m", 5000)}
		for _, millis := range []int64{1795420800000, -1, 1795420800000123, -1 << 60} {
			source := eventstest.FailedSource
			source.Time = time.UnixMilli(millis)
			if err := s.Validate(texts(t, events.DeadLetter(source, nil, u, events.DeadLetterMessageLimit))); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestEnumerationsInTheSchemasEqualThoseInTheCode(t *testing.T) {
	want := map[events.Kind][]any{}
	for _, reason := range events.Reasons() {
		want[reason.Kind()] = append(want[reason.Kind()], string(reason))
		if reason.Message() == "" {
			t.Errorf("%s has no message", reason)
		}
	}
	if len(want) != 2 {
		t.Errorf("reasons are of kinds %v", want)
	}
	outcome := document(t, "outcome.schema.json")
	for kind, shape := range map[events.Kind]string{events.Retried: "Retried", events.RetryFailed: "RetryFailed"} {
		if got := at(t, outcome, "$defs", shape, "properties", "reason", "enum"); !reflect.DeepEqual(got, want[kind]) {
			t.Errorf("%s: schema has %v, code has %v", kind, got, want[kind])
		}
	}
	if got, all := at(t, outcome, "properties", "reason", "enum"), slices.Concat(want[events.Retried], want[events.RetryFailed]); !reflect.DeepEqual(got, all) {
		t.Errorf("schema has the reasons %v, code has %v", got, all)
	}
	var defects []any
	for _, defect := range events.Defects() {
		defects = append(defects, string(defect))
	}
	got := at(t, document(t, "asyncapi.json"), "components", "schemas", "deadLetterHeaders", "properties", "dead-letter-reason", "enum")
	if !reflect.DeepEqual(got, defects) {
		t.Errorf("AsyncAPI has %v, code has %v", got, defects)
	}
}

// texts returns headers as the schemas see them. None may occur twice.
func texts(t testing.TB, headers []events.Header) map[string]any {
	t.Helper()
	object := map[string]any{}
	for _, h := range headers {
		if _, twice := object[h.Key]; twice || !utf8.Valid(h.Value) {
			t.Errorf("header %s is there twice or not UTF-8", h.Key)
		}
		object[h.Key] = string(h.Value)
	}
	return object
}
