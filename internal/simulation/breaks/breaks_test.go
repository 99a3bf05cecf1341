package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// What DESIGN says of the simulation must be what is tried.
func TestDESIGNTellsOfEachMistake(t *testing.T) {
	design, err := os.ReadFile("../../../docs/DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range breaks {
		if row := fmt.Sprintf("\n| %s | %d |", b.name, b.within); !strings.Contains(string(design), row) {
			t.Errorf("docs/DESIGN.md has no row that begins with %q", strings.TrimSpace(row))
		}
	}
}
