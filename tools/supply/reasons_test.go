package main

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestEachDirectDependencyHasItsReason(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/DEPENDENCIES.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for _, found := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllSubmatch(mod, -1) { // others are marked as indirect
		direct++
		module := string(found[1])
		named := strings.Contains(string(text), "| "+module) || strings.Contains(string(text), ", "+module) || strings.Contains(string(text), "…/"+path.Base(module))
		if !named {
			t.Errorf("%s is not in docs/DEPENDENCIES.md", module)
		}
	}
	if direct < 10 {
		t.Errorf("%d direct dependencies", direct)
	}
}
