package plain

import "strconv"

// Count returns a number with its noun, which has a regular plural: 1 task, 2 tasks.
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
