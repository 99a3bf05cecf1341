package trace

import (
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"remux-retrier/events"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/story"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

const (
	producersTrace = "0af7651916cd43dd8448eb211c80319c"
	sampled        = "00-" + producersTrace + "-b7ad6b7169203331-01"
	unsampled      = "00-" + producersTrace + "-b7ad6b7169203331-00"
)

var (
	began  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	source = events.Source{Topic: "remux.failed", Partition: 3, Offset: 42}
)

// open returns a tracer and a recorder of its ended spans.
func open(sampler sdk.Sampler) (*Tracer, *tracetest.SpanRecorder) {
	seen := tracetest.NewSpanRecorder()
	p := sdk.NewTracerProvider(sdk.WithSpanProcessor(seen), sdk.WithSampler(sampler))
	return &Tracer{cfg: Config{Group: "g", Client: "c", API: "mpc.example"}, provider: p, tracer: p.Tracer(name)}, seen
}

// tell adds steps, one second after another.
func tell(s *Span, steps ...story.Step) {
	for i, step := range steps {
		step.At = began.Add(time.Duration(i) * time.Second)
		s.Step(step)
	}
}

func names(spans []sdk.ReadOnlySpan) []string {
	var list []string
	for _, s := range spans {
		list = append(list, s.Name())
	}
	return list
}

func TestEachWaitCallAndQueryHasItsSpan(t *testing.T) {
	tracer, seen := open(sdk.AlwaysSample())
	s := tracer.Begin(source, events.Failure{TaskID: "1", ID: "e-1", ErrorCode: "MPC.10105"}, sampled, began)
	refused := &events.APIError{Status: 503, Code: "APIG.0613", RequestID: "r"}
	tell(s, story.Step{Kind: story.Received}, story.Step{Kind: story.DuplicateWait}, story.Step{Kind: story.QuotaWait, Detail: "9 events before it"},
		story.Step{Kind: story.Call}, story.Step{Kind: story.Refused, Error: refused}, story.Step{Kind: story.OutageWait},
		story.Step{Kind: story.Call}, story.Step{Kind: story.Refused, Error: &events.APIError{}}, story.Step{Kind: story.BackoffWait},
		story.Step{Kind: story.Doubt}, story.Step{Kind: story.Query}, story.Step{Kind: story.State, State: "CANCELED"}, story.Step{Kind: story.Answered})
	o := events.Outcome{Reason: events.NotRetryable}
	s.Decided(o)
	s.Publish("remux.retry_failed", began.Add(13*time.Second))
	s.Step(story.Step{At: began.Add(14 * time.Second), Kind: story.Published})
	want := []string{"wait for another event of the task", "wait for the quota", "PUT remux", "wait for MPC to serve", "PUT remux",
		"backoff after a failed call", "wait for the state to be certain", "GET remux", "send remux.retry_failed", "process remux.failed"}
	if got := names(seen.Ended()); !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	root := seen.Ended()[len(want)-1]
	if took := root.EndTime().Sub(root.StartTime()); took != 14*time.Second || s.TraceID() != producersTrace || root.Status().Code != codes.Error {
		t.Errorf("took %v, trace %s, status %+v", took, s.TraceID(), root.Status())
	}
	for _, part := range seen.Ended()[:len(want)-1] {
		if took := part.EndTime().Sub(part.StartTime()); took != time.Second || part.Parent().SpanID() != root.SpanContext().SpanID() {
			t.Errorf("%s took %v, under %s", part.Name(), took, part.Parent().SpanID())
		}
	}
	if got := attributes(seen.Ended()[4])["error.type"]; got != "no_answer" {
		t.Errorf("error.type is %q", got)
	}
}

func attributes(s sdk.ReadOnlySpan) map[string]string {
	m := map[string]string{}
	for _, a := range s.Attributes() {
		m[string(a.Key)] = a.Value.String()
	}
	return m
}

func TestAWaitOfNothingHasNoSpanAndNothingComesAfterTheEnd(t *testing.T) {
	tracer, seen := open(sdk.AlwaysSample())
	s := tracer.Begin(source, events.Failure{}, "", began)
	for _, k := range []story.Kind{story.Received, story.DuplicateWait, story.QuotaWait, story.Doubt, story.GivenUp, story.Call, story.State, story.GivenUp} {
		s.Step(story.Step{At: began, Kind: k, Detail: "stopping"})
	}
	if got := names(seen.Ended()); !slices.Equal(got, []string{"process remux.failed"}) {
		t.Fatalf("got %q", got)
	}
	if a := attributes(seen.Ended()[0]); a["remux.outcome"] != "given_up" || a["remux.detail"] != "stopping" {
		t.Errorf("got %v", a)
	}
}

func TestAPublicationThatFailedIsAnError(t *testing.T) {
	tracer, seen := open(sdk.AlwaysSample())
	s := tracer.Begin(source, events.Failure{}, "", began)
	s.Publish("remux.retried", began)
	s.Step(story.Step{At: began, Kind: story.GivenUp, Detail: "lost the partition"})
	if send := seen.Ended()[0]; send.Name() != "send remux.retried" || send.Status().Code != codes.Error || send.Status().Description != "lost the partition" {
		t.Errorf("%s: %+v", send.Name(), send.Status())
	}
}

func TestARecoveryIsTheEventsOutcomeAndItsTopicTheSendSpans(t *testing.T) {
	tracer, seen := open(sdk.AlwaysSample())
	s := tracer.Begin(source, events.Failure{}, "", began)
	s.Publish("remux.recovered", began)
	s.Step(story.Step{At: began, Kind: story.Recovered, Detail: "remux.recovered"})
	all := seen.Ended()
	if a := attributes(all[1]); all[0].Name() != "send remux.recovered" || a["remux.outcome"] != "recovered" || a["remux.detail"] != "" {
		t.Errorf("%q, %v", names(all), a)
	}
}

// In an outage of days, one event may be the probe again and again.
func TestTheSpansOfOneEventAreBounded(t *testing.T) {
	tracer, seen := open(sdk.AlwaysSample())
	s := tracer.Begin(source, events.Failure{}, "", began)
	for range 10 * maxChildren {
		tell(s, story.Step{Kind: story.Call}, story.Step{Kind: story.Refused})
	}
	s.Step(story.Step{At: began, Kind: story.GivenUp})
	all := seen.Ended()
	if len(all) != maxChildren+1 || attributes(all[maxChildren])["remux.spans_left_out"] == "" {
		t.Errorf("%d spans, %v", len(all), attributes(all[len(all)-1]))
	}
}

// If the producer's trace is not sampled, the outcome's must not be sampled either.
func TestAnEventThatIsNotSampledStaysSo(t *testing.T) {
	tracer, seen := open(sdk.ParentBased(sdk.AlwaysSample()))
	s := tracer.Begin(source, events.Failure{}, unsampled, began)
	tell(s, story.Step{Kind: story.Received}, story.Step{Kind: story.Call}, story.Step{Kind: story.Accepted})
	parent := s.Publish("remux.retried", began)
	s.Step(story.Step{At: began, Kind: story.Published})
	if len(seen.Ended()) != 0 || parent[:36] != unsampled[:36] || parent[len(parent)-3:] != "-00" {
		t.Errorf("%d spans, published with %s", len(seen.Ended()), parent)
	}
}

func TestWithoutATracerNothingIsAllocated(t *testing.T) {
	var none *Tracer
	if n := testing.AllocsPerRun(100, func() {
		if none.Begin(source, events.Failure{}, sampled, began) != nil {
			t.Fatal("a nil Tracer began a span")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	none.Close(time.Second)
}

// BenchmarkEvent measures the spans of a usual event, without sending them.
func BenchmarkEvent(b *testing.B) {
	tracer, err := New(quiet(b))
	if err != nil {
		b.Fatal(err)
	}
	defer tracer.Close(0)
	tracer.exporter.SpanExporter = nowhere{}
	b.ReportAllocs()
	for b.Loop() {
		s := tracer.Begin(source, events.Failure{TaskID: "1"}, sampled, began)
		tell(s, story.Step{Kind: story.Received}, story.Step{Kind: story.QuotaWait}, story.Step{Kind: story.Call}, story.Step{Kind: story.Accepted})
		s.Publish("remux.retried", began)
		s.Step(story.Step{At: began, Kind: story.Published})
	}
}
