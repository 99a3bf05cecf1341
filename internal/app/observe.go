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

// observer opens the trail of each event for stories, traces, both or neither. No decision
// depends on them.
type observer struct {
	stories *story.Store  // may be nil
	tracer  *trace.Tracer // may be nil
	clock   clock.Clock
}

// observation is the trail of one event, for both.
type observation struct {
	clock clock.Clock
	story *story.Record // may be nil
	span  *trace.Span   // may be nil
	// parent is the trace context of the event; empty: none.
	parent string
}

// begin opens the trail of a record. An unreadable record is found by its key, which is the
// task's id if the producer keys as it should.
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

// trail is nil without a listener, so that no texts are built for nothing.
func (s *observation) trail() story.Trail {
	if s.story == nil && s.span == nil {
		return nil
	}
	return s
}

// Step passes a step to both.
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

// decided notes the outcome and sets its trace context: ours if there is one, else the
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
// for it; empty: that of its event.
func (s *observation) publishing(topic string) (traceparent string) {
	if s.span == nil {
		return ""
	}
	return s.span.Publish(topic, s.clock.Now())
}

// ended is the event's last step. If err is not nil, the event was given up because of it.
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
