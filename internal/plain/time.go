package plain

import (
	"encoding/json"
	"fmt"
	"time"
)

// Time is a time.Time that JSON takes whatever its year: a record's timestamp is
// its producer's. Years that RFC 3339 does not know have six digits and a sign, as
// ECMAScript writes them, or more.
type Time struct{ time.Time }

// MarshalJSON never fails.
func (t Time) MarshalJSON() ([]byte, error) {
	if y := t.Year(); y >= 0 && y <= 9999 {
		return t.Time.MarshalJSON()
	}
	u := t.UTC()
	return json.Marshal(fmt.Sprintf("%+07d-%s", u.Year(), u.Format("01-02T15:04:05.999999999Z07:00")))
}
