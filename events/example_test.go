package events_test

import (
	"errors"
	"fmt"
	"time"

	"remux-retrier/events"
)

// A failure event comes in, its outcome goes out.
func Example() {
	source := events.Source{Topic: "remux.failed", Partition: 3, Offset: 1042, Time: time.UnixMilli(1795420800000)}
	failure, err := events.ReadFailure([]byte(`{"task_id":538526,"error_code":"MPC.10105"}`), nil)
	if err != nil {
		panic(err)
	}
	outcome := events.Outcome{
		Reason:    events.Accepted,
		Attempts:  1,
		Source:    source,
		Failure:   failure,
		DecidedAt: time.UnixMilli(1795420801234),
		Origin:    events.OriginOf("remux-retrier"),
	}
	message, err := outcome.Encode()
	if err != nil {
		panic(err)
	}
	fmt.Printf("to %s, key %s\n", outcome.Reason.Kind().Type(), message.Key)
	for _, h := range message.Headers {
		fmt.Printf("%s: %s\n", h.Key, h.Value)
	}
	fmt.Printf("%s\n", message.Value)
	// Output:
	// to remux.retried, key 538526
	// ce_specversion: 1.0
	// ce_id: remux.failed:3:1042:1795420800000
	// ce_source: /remux-retrier/remux-retrier
	// ce_type: remux.retried
	// ce_subject: 538526
	// ce_time: 2026-11-23T08:00:01.234Z
	// content-type: application/json
	// {"task_id":"538526","outcome":"retried","reason":"accepted","message":"MPC accepted the retry.","attempts":1,"failed_event":{"topic":"remux.failed","partition":3,"offset":1042,"timestamp":"2026-11-23T08:00:00.000Z"},"failure":{"error_code":"MPC.10105"},"decided_at":"2026-11-23T08:00:01.234Z"}
}

// What cannot be read says why, and becomes a dead letter.
func ExampleReadFailure() {
	for _, value := range []string{
		`{"task_id":"1","task_id":"2"}`,
		`{"task_id":5.385260e5}`,
		`{"remux_info":{"task_id":"1","status":"SUCCEED"}}`,
	} {
		_, err := events.ReadFailure([]byte(value), nil)
		var u *events.Unreadable
		switch {
		case errors.Is(err, events.ErrNotAFailure):
			fmt.Println("ignored:", err)
		case errors.As(err, &u):
			headers := events.DeadLetter(events.Source{Topic: "remux.failed"}, nil, u, events.DeadLetterMessageLimit)
			fmt.Printf("%s: %s\n", headers[0].Value, headers[1].Value)
		}
	}
	// Output:
	// two_task_ids: the field "task_id" is repeated; expected one task per event
	// invalid_task_id: the task_id is 5.385260e5; expected a string, or an integer without sign, fraction and exponent
	// ignored: not a failure event: the status in MPC's notification is "SUCCEED"
}
