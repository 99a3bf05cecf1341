package events

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// outcomeValue reads an outcome's value. The outcome's Source is already known from the
// headers.
type outcomeValue struct {
	outcome Outcome
	kind    Kind
	event   failedEvent
}

// failedEvent is what the value says about the Source.
type failedEvent struct {
	topic             bool // it equals the Source's
	partition, offset int64
	timestamp         []byte
}

func (v *outcomeValue) read(value []byte) error {
	if !utf8.Valid(value) {
		return fmt.Errorf("not UTF-8 at byte %d", invalidAt(value))
	}
	if err := members(value, v.member); err != nil {
		return err
	}
	source := v.outcome.Source
	var written []byte
	if v.event.timestamp != nil || source.hasTimestamp() { // an earlier version may have written one regardless
		written = appendTime(make([]byte, 0, len(timeLayout)), source.Time)
	}
	switch e := &v.event; {
	case !e.topic, e.partition != int64(source.Partition), e.offset != source.Offset, string(e.timestamp) != string(written):
		return fmt.Errorf("failed_event is not what the ce_id %q says", source.ID())
	case v.kind == "" || v.kind != v.outcome.Reason.Kind():
		return fmt.Errorf("the outcome %q does not go with the reason %q", v.kind, v.outcome.Reason)
	}
	return nil
}

func (v *outcomeValue) member(name, raw []byte) (err error) {
	o := &v.outcome
	switch string(name) {
	case "task_id":
		o.Failure.TaskID, err = readText(raw, maxTaskID+utf8.UTFMax)
	case "outcome":
		v.kind = kindOf(content(raw))
	case "reason":
		o.Reason = reasonOf(content(raw))
	case "retries":
		var n int
		n, err = readNumber[int](raw)
		o.Retries = &n
	case "accepted_retry":
		o.AcceptedRetry = string(raw) == "true"
	case "attempts":
		o.Attempts, err = readNumber[int](raw)
	case "previous_retry":
		o.PreviousRetry = new(Retry)
		err = members(raw, v.previousMember)
	case "failed_event":
		err = members(raw, v.eventMember)
	case "failure":
		err = members(raw, v.failureMember)
	case "error":
		o.Error = new(APIError)
		err = members(raw, v.errorMember)
	case "covers":
		err = elements(raw, v.cover)
	case "decided_at":
		o.DecidedAt, err = parseTime(content(raw))
	}
	return inField(name, err)
}

func (v *outcomeValue) eventMember(name, raw []byte) (err error) {
	switch string(name) {
	case "topic":
		v.event.topic = string(content(raw)) == v.outcome.Source.Topic
	case "partition":
		v.event.partition, err = readNumber[int64](raw)
	case "offset":
		v.event.offset, err = readNumber[int64](raw)
	case "timestamp":
		v.event.timestamp = content(raw)
	case "id":
		v.outcome.Failure.ID, err = readText(raw, maxText)
	}
	return inField(name, err)
}

func (v *outcomeValue) previousMember(name, raw []byte) (err error) {
	p := v.outcome.PreviousRetry
	switch string(name) {
	case "outcome_id":
		p.Source, _ = parseID(content(raw), v.outcome.Source.Topic) // check rejects an invalid one
	case "decided_at":
		p.DecidedAt, err = parseTime(content(raw))
	}
	return inField(name, err)
}

func (v *outcomeValue) failureMember(name, raw []byte) (err error) {
	f := &v.outcome.Failure
	switch string(name) {
	case "error_code":
		f.ErrorCode, err = readText(raw, maxText)
	case "description":
		f.Description, err = readText(raw, maxText)
	case "user_data":
		if f.UserData, err = readText(raw, MaxUserData+utf8.UTFMax); len(f.UserData) > MaxUserData {
			f.UserData = ""
		}
	}
	return inField(name, err)
}

func (v *outcomeValue) errorMember(name, raw []byte) (err error) {
	e := v.outcome.Error
	switch string(name) {
	case "status":
		e.Status, err = readNumber[int](raw)
	case "error_code":
		e.Code, err = readText(raw, maxText)
	case "error_msg":
		e.Message, err = readText(raw, maxText)
	case "request_id":
		e.RequestID, err = readText(raw, maxText)
	}
	return inField(name, err)
}

// cover keeps at most MaxCovers. The cover of the event's own partition, if there is one, is
// always among them.
func (v *outcomeValue) cover(raw []byte) error {
	if kept := v.outcome.Covers; len(kept) == MaxCovers && slices.ContainsFunc(kept, v.outcome.coversOwn) {
		return nil
	}
	var c Cover
	err := members(raw, func(name, raw []byte) (err error) {
		switch string(name) {
		case "partition":
			c.Partition, err = readNumber[int](raw)
		case "end_offset":
			c.End, err = readNumber[int64](raw)
		case "log":
			c.LogID, err = readNumber[int64](raw)
		}
		return inField(name, err)
	})
	switch o := &v.outcome; {
	case len(o.Covers) < MaxCovers:
		o.Covers = append(o.Covers, c)
	case o.coversOwn(c):
		o.Covers = slices.Insert(o.Covers[:MaxCovers-1], 0, c)
	}
	return err
}

// content is the content of a string; nil for any other value.
func content(raw []byte) []byte {
	if raw[0] != '"' {
		return nil
	}
	text, _ := unquote(raw)
	return text
}

func readText(raw []byte, limit int) (string, error) {
	if raw[0] != '"' {
		return "", errors.New("expected a string")
	}
	text := content(raw)
	return string(text[:cut(text, limit)]), nil
}

func readNumber[N int | int64](raw []byte) (N, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || int64(N(n)) != n {
		return 0, errors.New("expected an integer")
	}
	return N(n), nil
}

func inField(name []byte, err error) error {
	if err != nil {
		return fmt.Errorf("%.40s: %w", name, err)
	}
	return nil
}

// kindOf and reasonOf are empty for unknown texts.
func kindOf(text []byte) Kind {
	switch string(text) {
	case string(Retried):
		return Retried
	case string(RetryFailed):
		return RetryFailed
	}
	return ""
}

func reasonOf(text []byte) Reason {
	for i := range reasons {
		if string(reasons[i].reason) == string(text) {
			return reasons[i].reason
		}
	}
	return ""
}
