package events

import "fmt"

// readNotification reads shape 3, MPC's own notification.
func (f *failureReader) readNotification(o *object) error {
	raw, err := o.one(fieldRemuxInfo)
	if err != nil {
		return err
	}
	var info object
	if err := info.read(raw); err != nil {
		return inside("remux_info", err)
	}
	status, err := info.one(fieldStatus)
	if err != nil {
		return inside("remux_info", err)
	}
	if status == nil || status[0] != '"' {
		return unreadable(UnknownShape, "remux_info has no status; expected \"status\":\"FAILED\"")
	}
	if status, _ := unquote(status); string(status) != "FAILED" {
		if f.successes && info.succeeded() && f.readPlain(&info) == nil {
			return nil
		}
		return fmt.Errorf("%w: the status in MPC's notification is %.40q", ErrNotAFailure, status)
	}
	return inside("remux_info", f.readPlain(&info))
}

// otherNotification is the name of an MPC notification about another kind of task; empty if
// it is none. Only remux tasks can be retried, so these are not failure events even if
// their status is FAILED.
//
// Without an event_type only MPC's own …_info names count: in an event with a misspelled
// task_id, any other would hide the mistake.
func (o *object) otherNotification() string {
	kind, info := o.text(fieldEventType), string(o.otherInfo)
	switch kind {
	case "TranscodeStart", "TranscodeComplete", "ThumbnailComplete", "AnimatedGraphicsComplete", "ParseComplete", "EditingComplete":
		return kind
	case "":
		switch info {
		case "transcode_info", "thumbnail_info", "animated_graphics_info", "parse_info", "editing_info":
			return info
		}
		return ""
	}
	return info
}
