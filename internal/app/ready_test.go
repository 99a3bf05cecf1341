package app

import (
	"os"
	"strings"
	"testing"
)

func TestPAGEHasEachCheckOfReadiness(t *testing.T) {
	guide, err := os.ReadFile("../../docs/PAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range (&readiness{}).checks() {
		if !strings.Contains(string(guide), "\n| `"+check.Name+"` | ") {
			t.Errorf("PAGE.md does not explain the check %s of /readyz", check.Name)
		}
	}
}
