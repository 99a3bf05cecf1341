package history

import (
	"encoding/json"

	"remux-retrier/internal/plain"
)

// MarshalJSON writes times of any year: a producer may set any timestamp.
func (e Entry) MarshalJSON() ([]byte, error) {
	type fields Entry
	return json.Marshal(struct {
		At plain.Time `json:"at"`
		fields
	}{plain.Time{Time: e.At}, fields(e)})
}

// MarshalJSON writes times of any year.
func (a Answer) MarshalJSON() ([]byte, error) {
	type fields Answer
	return json.Marshal(struct {
		EventTime plain.Time `json:"event_time"`
		fields
	}{plain.Time{Time: a.EventTime}, fields(a)})
}

// MarshalJSON writes times of any year.
func (s Success) MarshalJSON() ([]byte, error) {
	type fields Success
	return json.Marshal(struct {
		EventTime plain.Time `json:"event_time"`
		fields
	}{plain.Time{Time: s.EventTime}, fields(s)})
}

// MarshalJSON writes times of any year.
func (g Gap) MarshalJSON() ([]byte, error) {
	type fields Gap
	return json.Marshal(struct {
		First plain.Time `json:"first_at"`
		Last  plain.Time `json:"last_at"`
		fields
	}{plain.Time{Time: g.First}, plain.Time{Time: g.Last}, fields(g)})
}
