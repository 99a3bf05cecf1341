package redrive

import (
	"net/url"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/history"
)

// Filter selects dead letters. The zero Filter selects all.
type Filter struct {
	Reason events.Defect
	// Task selects records whose key is this id or that mention it, see history.Mentions.
	Task string
}

func (f Filter) all() bool { return f == Filter{} }

func (f Filter) selects(r *consumer.Record, reason events.Defect) bool {
	return (f.Reason == "" || f.Reason == reason) && (f.Task == "" || history.Mentions(r.Key, r.Value, f.Task))
}

// String returns the filter for a commit's metadata: text without spaces and @.
func (f Filter) String() string {
	values := url.Values{}
	if f.Reason != "" {
		values.Set("reason", string(f.Reason))
	}
	if f.Task != "" {
		values.Set("task", f.Task)
	}
	return values.Encode()
}

func parseFilter(text string) (Filter, error) {
	values, err := url.ParseQuery(text)
	return Filter{Reason: events.Defect(values.Get("reason")), Task: values.Get("task")}, err
}
