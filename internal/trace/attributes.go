package trace

import (
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// Our own attributes. The task's id is in each trace, but in no metric.
const (
	taskID      = attribute.Key("remux.task_id")
	failureCode = attribute.Key("remux.failure.error_code")
	outcome     = attribute.Key("remux.outcome")
	reason      = attribute.Key("remux.reason")
	attempts    = attribute.Key("remux.attempts")
	retries     = attribute.Key("remux.retries")
	mpcCode     = attribute.Key("remux.mpc.error_code")
	mpcRequest  = attribute.Key("remux.mpc.request_id")
	taskState   = attribute.Key("remux.task_state")
	detail      = attribute.Key("remux.detail")
	leftOut     = attribute.Key("remux.spans_left_out")
)

// received returns the attributes of a received event.
func (t *Tracer) received(source events.Source, f events.Failure) []attribute.KeyValue {
	list := []attribute.KeyValue{
		semconv.MessagingSystemKafka, semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("process"),
		semconv.MessagingDestinationName(source.Topic),
		semconv.MessagingDestinationPartitionID(strconv.Itoa(source.Partition)),
		semconv.MessagingKafkaOffset(int(source.Offset)),
		semconv.MessagingConsumerGroupName(t.cfg.Group), semconv.MessagingClientID(t.cfg.Client),
	}
	if f.ID != "" {
		list = append(list, semconv.MessagingMessageID(f.ID))
	}
	if f.TaskID != "" {
		list = append(list, taskID.String(f.TaskID))
	}
	if f.ErrorCode != "" {
		list = append(list, failureCode.String(f.ErrorCode))
	}
	return list
}

// sent returns the attributes of a published message.
func (t *Tracer) sent(topic string) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKafka, semconv.MessagingOperationTypeSend, semconv.MessagingOperationName("send"),
		semconv.MessagingDestinationName(topic), semconv.MessagingClientID(t.cfg.Client),
	}
}

// requested returns the attributes of a request to the API and of its result.
func (t *Tracer) requested(method string, end story.Step) []attribute.KeyValue {
	list := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(method), semconv.URLTemplate("/v1/{project_id}/remux"), semconv.ServerAddress(t.cfg.API),
	}
	if e := end.Error; e != nil {
		if e.Status != 0 {
			list = append(list, semconv.HTTPResponseStatusCode(e.Status))
		}
		list = append(list, semconv.ErrorTypeKey.String(errorType(*e)))
		if e.Code != "" {
			list = append(list, mpcCode.String(e.Code))
		}
		if e.RequestID != "" {
			list = append(list, mpcRequest.String(e.RequestID))
		}
	} else if end.State != "" {
		list = append(list, taskState.String(end.State))
	}
	return list
}

// errorType returns the most specific value that is known. The set of values is bounded.
func errorType(e events.APIError) string {
	switch {
	case e.Code != "":
		return e.Code
	case e.Status != 0:
		return strconv.Itoa(e.Status)
	}
	return "no_answer"
}

// decided returns the attributes of the outcome.
func decided(o events.Outcome) []attribute.KeyValue {
	list := []attribute.KeyValue{
		outcome.String(string(o.Reason.Kind())), reason.String(string(o.Reason)), attempts.Int(o.Attempts),
	}
	if o.Retries != nil {
		list = append(list, retries.Int(*o.Retries))
	}
	return list
}
