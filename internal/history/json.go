package history

import (
	"encoding/json"

	"remux-retrier/internal/plain"
)

// Records' times are their producers', of whatever year.

// MarshalJSON writes any time.
func (e Entry) MarshalJSON() ([]byte, error) {
	type fields Entry
	return json.Marshal(struct {
		At plain.Time `json:"at"`
		fields
	}{plain.Time{Time: e.At}, fields(e)})
}

// MarshalJSON writes any time.
func (a Answer) MarshalJSON() ([]byte, error) {
	type fields Answer
	return json.Marshal(struct {
		EventTime plain.Time `json:"event_time"`
		fields
	}{plain.Time{Time: a.EventTime}, fields(a)})
}

// MarshalJSON writes any time.
func (s Success) MarshalJSON() ([]byte, error) {
	type fields Success
	return json.Marshal(struct {
		EventTime plain.Time `json:"event_time"`
		fields
	}{plain.Time{Time: s.EventTime}, fields(s)})
}

// MarshalJSON writes any time.
func (g Gap) MarshalJSON() ([]byte, error) {
	type fields Gap
	return json.Marshal(struct {
		First plain.Time `json:"first_at"`
		Last  plain.Time `json:"last_at"`
		fields
	}{plain.Time{Time: g.First}, plain.Time{Time: g.Last}, fields(g)})
}
