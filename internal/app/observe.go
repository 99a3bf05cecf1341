package app

import (
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/story"
	"remux-retrier/internal/trace"
)

// observer begins the observation of each event. No decision depends on observations.
type observer struct {
	stories *story.Store  // nil: no stories
	tracer  *trace.Tracer // nil: no traces
	clock   clock.Clock
}

// observation reports one event's steps to the event's story and to its trace span. Each of
// the two may be nil.
type observation struct {
	clock clock.Clock
	story *story.Record
	span  *trace.Span
	// parent is the trace context of the event; empty: none.
	parent string
}

// begin begins the observation of a record. The story of an unreadable record has the
// record's key as its task: producers should use the task's id as the key.
func (o observer) begin(d *consumer.Delivery, source events.Source, f events.Failure, arrived time.Time) observation {
	s := observation{clock: o.clock, parent: f.Traceparent}
	if f.TaskID == "" {
		s.parent = events.Traceparent(d.Headers)
	}
	if o.stories != nil {
		taskID := f.TaskID
		if key := string(d.Key); taskID == "" && events.CheckTaskID(key) == nil {
			taskID = key
		}
		s.story = o.stories.Begin(taskID, source, f)
	}
	if o.tracer != nil {
		s.span = o.tracer.Begin(source, f, s.parent, arrived)
	}
	s.Step(story.Step{At: arrived, Kind: story.Received})
	return s
}

// listener returns nil if there is neither a story nor a span: then the retrier builds no
// texts.
func (s *observation) listener() story.Listener {
	if s.story == nil && s.span == nil {
		return nil
	}
	return s
}

// Step passes a step to the story and the span.
func (s *observation) Step(step story.Step) {
	if s.story == nil && s.span == nil {
		return
	}
	if step.At.IsZero() {
		step.At = s.clock.Now()
	}
	if s.story != nil {
		s.story.Step(step)
	}
	if s.span != nil {
		s.span.Step(step)
	}
}

// decided notes the outcome and sets its trace context: the span's if there is one, else the
// producer's.
func (s *observation) decided(o *events.Outcome, topic string) {
	if s.story != nil {
		s.story.Decided(*o)
	}
	if s.span != nil {
		s.span.Decided(*o)
		o.Failure.Traceparent = s.publishing(topic)
	}
}

// publishing notes that a message is about to be published, and returns the trace context
// for the message; empty: the event's own.
func (s *observation) publishing(topic string) (traceparent string) {
	if s.span == nil {
		return ""
	}
	return s.span.Publish(topic, s.clock.Now())
}

// ended notes the event's last step. If err is not nil, the event was given up because of
// err.
func (s *observation) ended(err error, kind story.Kind, detail string) {
	if s.story == nil && s.span == nil {
		return
	}
	if err != nil {
		kind, detail = story.GivenUp, err.Error()
	}
	s.Step(story.Step{Kind: kind, Detail: detail})
}

// fields connect a log line to the trace.
func (s *observation) fields() logrus.Fields {
	switch {
	case s.span != nil:
		return logrus.Fields{"trace_id": s.span.TraceID()}
	case s.parent != "":
		return logrus.Fields{"trace_id": events.TraceID(s.parent)}
	}
	return nil
}
