package plain

import (
	"encoding/json"
	"fmt"
	"time"
)

// Time is a time.Time that can be written as JSON for any year: a producer may set any
// timestamp. Years outside RFC 3339 have a sign and at least six digits; ECMAScript has
// exactly six.
type Time struct{ time.Time }

// MarshalJSON never fails.
func (t Time) MarshalJSON() ([]byte, error) {
	if y := t.Year(); y >= 0 && y <= 9999 {
		return t.Time.MarshalJSON()
	}
	u := t.UTC()
	return json.Marshal(fmt.Sprintf("%+07d-%s", u.Year(), u.Format("01-02T15:04:05.999999999Z07:00")))
}
