package trace

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	otrace "go.opentelemetry.io/otel/trace"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// minWait: shorter waits get no span. maxChildren bounds the spans of one event: in a long
// outage one event may be the probe thousands of times.
const (
	minWait     = time.Millisecond
	maxChildren = 250
)

// Span is the span of one event. It is a story.Listener; its steps must have a time.
type Span struct {
	t    *Tracer
	ctx  context.Context // of root
	root otrace.Span

	mu       sync.Mutex
	open     story.Step  // the last step, which the next one ends; zero before the first
	publish  otrace.Span // nil: nothing is being published
	children int         // spans of steps, including those that maxChildren leaves out
}

// Begin begins the span of an event that arrived at the given time. A nil Tracer returns
// nil.
func (t *Tracer) Begin(source events.Source, f events.Failure, traceparent string, at time.Time) *Span {
	if t == nil {
		return nil
	}
	ctx := context.Background()
	if traceparent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
	}
	s := &Span{t: t}
	s.ctx, s.root = t.tracer.Start(ctx, "process "+source.Topic, otrace.WithSpanKind(otrace.SpanKindConsumer),
		otrace.WithTimestamp(at), otrace.WithAttributes(t.received(source, f)...))
	return s
}

// TraceID returns the trace's id, 32 hexadecimal digits.
func (s *Span) TraceID() string { return s.root.SpanContext().TraceID().String() }

// Decided adds the outcome.
func (s *Span) Decided(o events.Outcome) {
	s.root.SetAttributes(decided(o)...)
	if o.Reason.Kind() == events.RetryFailed {
		s.fail(s.root, string(o.Reason), "")
	}
}

// Publish begins the span of a message that is about to be published. It ends with the
// event's last step. The returned traceparent makes it the parent of spans that follow
// from the message.
func (s *Span) Publish(topic string, at time.Time) (traceparent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, publish := s.t.tracer.Start(s.ctx, "send "+topic, otrace.WithSpanKind(otrace.SpanKindProducer),
		otrace.WithTimestamp(at), otrace.WithAttributes(s.t.sent(topic)...))
	s.publish = publish
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// Step ends the step before and begins the next one.
func (s *Span) Step(step story.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.root.IsRecording() { // not sampled, or ended
		return
	}
	s.addChild(s.open, step)
	s.open = step
	if step.Kind.Ends() {
		s.end(step)
	}
}

// addChild adds the span between two steps, when its duration and result are known.
func (s *Span) addChild(begin, end story.Step) {
	var name string
	kind, attributes := otrace.SpanKindInternal, []attribute.KeyValue(nil)
	switch begin.Kind {
	case story.DuplicateWait:
		name = "wait for another event of the task"
	case story.QuotaWait:
		name = "wait for the quota"
	case story.OutageWait:
		name = "wait for MPC to serve"
	case story.BackoffWait:
		name = "backoff after a failed call"
	case story.Doubt:
		name = "wait for the state to be certain"
	case story.Call:
		name, kind, attributes = "PUT remux", otrace.SpanKindClient, s.t.requested("PUT", end)
	case story.Query:
		name, kind, attributes = "GET remux", otrace.SpanKindClient, s.t.requested("GET", end)
	default:
		return
	}
	if kind == otrace.SpanKindInternal {
		if end.At.Sub(begin.At) < minWait {
			return
		}
		if begin.Detail != "" {
			attributes = append(attributes, detail.String(begin.Detail))
		}
	}
	if s.children++; s.children > maxChildren {
		return
	}
	_, span := s.t.tracer.Start(s.ctx, name, otrace.WithSpanKind(kind), otrace.WithTimestamp(begin.At), otrace.WithAttributes(attributes...))
	if end.Error != nil {
		span.SetStatus(codes.Error, end.Error.Message)
	}
	span.End(otrace.WithTimestamp(end.At))
}

// end ends all open spans with the event's last step.
func (s *Span) end(last story.Step) {
	at := otrace.WithTimestamp(last.At)
	if s.publish != nil {
		if last.Kind == story.GivenUp {
			s.fail(s.publish, string(last.Kind), last.Detail)
		}
		s.publish.End(at)
	}
	if last.Kind != story.Published {
		s.root.SetAttributes(outcome.String(string(last.Kind)))
		if last.Detail != "" && last.Kind != story.Recovered { // its topic is in the publish span
			s.root.SetAttributes(detail.String(last.Detail))
		}
	}
	if last.Kind == story.DeadLetter {
		s.fail(s.root, string(last.Kind), last.Detail)
	}
	if s.children > maxChildren {
		s.root.SetAttributes(leftOut.Int(s.children - maxChildren))
	}
	s.root.End(at)
}

func (s *Span) fail(span otrace.Span, kind, detail string) {
	span.SetAttributes(attribute.String("error.type", kind))
	span.SetStatus(codes.Error, detail)
}
