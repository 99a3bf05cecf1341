package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// DESIGN's table of mistakes must match what is tried.
func TestDESIGNTellsOfEachMistake(t *testing.T) {
	design, err := os.ReadFile("../../../docs/DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range mistakes {
		if row := fmt.Sprintf("\n| %s | %d |", b.name, b.within); !strings.Contains(string(design), row) {
			t.Errorf("docs/DESIGN.md has no row that begins with %q", strings.TrimSpace(row))
		}
	}
}

// A mistake whose text has moved or doubled tries nothing, or something else.
func TestEachMistakeFitsTheCodeOnce(t *testing.T) {
	for _, b := range mistakes {
		for _, e := range b.edits {
			text, err := os.ReadFile("../../../" + e.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), e.old); n != 1 {
				t.Errorf("%s: %s contains %q %d times, want once", b.name, e.file, e.old, n)
			}
		}
	}
}
