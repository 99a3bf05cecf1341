package simulation

import (
	"slices"
	"strings"
)

// without names the parts that are left out, separated by spaces. It is for the time
// in which the core is rewritten: each part finds what the former core gets wrong.
// A build may set it: -ldflags "-X remux-retrier/internal/simulation.without=jumps".
var without = ""

// with tells whether a part is simulated.
func with(part string) bool { return !slices.Contains(strings.Fields(without), part) }

// onlyWith is the list, or nothing where the part is left out.
func onlyWith[T any](part string, list ...T) []T {
	if with(part) {
		return list
	}
	return nil
}
