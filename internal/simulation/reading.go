package simulation

import (
	"time"
	"unsafe"
)

// reading is a time like those of time.Now, with a chosen wall clock and monotonic reading.
// Package time makes such values only from the machine's clocks, so this writes its
// representation (time.Time, hasMonotonic). TestReadingsAreMonotonic fails if that changes.
func reading(wall time.Time, monotonic time.Duration) time.Time {
	const hasMonotonic, secondsShift = 1 << 63, 30
	first := time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC)
	t := wall
	r := (*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t)) //nolint:gosec // G103: as said above
	seconds := uint64(wall.Unix() - first.Unix()) //nolint:gosec // G115: the simulation's times are later than 1885
	r.wall = hasMonotonic | seconds<<secondsShift | uint64(wall.Nanosecond())
	r.ext = int64(monotonic) + 1
	return t
}
