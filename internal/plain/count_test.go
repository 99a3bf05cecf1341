package plain

import "testing"

func TestOneIsSingularAndAllElseIsPlural(t *testing.T) {
	for n, want := range map[int]string{0: "0 tasks", 1: "1 task", 2: "2 tasks", 1500: "1500 tasks"} {
		if got := Count(n, "task"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
