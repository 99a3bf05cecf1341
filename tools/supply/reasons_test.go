package main

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// direct are the direct dependencies in a module's go.mod.
func direct(t *testing.T, module string) map[string]bool {
	t.Helper()
	mod, err := os.ReadFile("../../" + module + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllSubmatch(mod, -1) { // indirect ones have a comment
		if name := string(found[1]); !strings.HasPrefix(name, "remux-retrier") {
			modules[name] = true
		}
	}
	return modules
}

// documented are the modules in the first column of a table of docs/DEPENDENCIES.md. …/x is
// a module of the same project as the row's first one; the switch knows where.
func documented(t *testing.T, heading string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../docs/DEPENDENCIES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n## "+heading)
	if !found {
		t.Fatalf("there is no heading %q", heading)
	}
	table, _, _ = strings.Cut(table, "\n## ")
	modules := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllStringSubmatch(table, -1)[1:] {
		var first string
		for name := range strings.SplitSeq(row[1], ", ") {
			rest, sibling := strings.CutPrefix(name, "…/")
			switch {
			case !sibling:
				first = name
			case strings.HasSuffix(first, "/franz-go"):
				name = first + "/pkg/" + rest
			case strings.HasSuffix(first, "/chromedp"):
				name = path.Dir(first) + "/" + rest
			default:
				name = first + "/" + rest
			}
			modules[name] = true
		}
	}
	return modules
}

func same(t *testing.T, what string, got, want map[string]bool) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s asks for %q, docs/DEPENDENCIES.md lists %q", what, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestEachDirectDependencyHasItsReason(t *testing.T) {
	product, others := direct(t, "."), direct(t, "test")
	maps.Copy(others, direct(t, "cmd/sandbox"))
	maps.DeleteFunc(others, func(name string, _ bool) bool { return product[name] })
	same(t, "go.mod", product, documented(t, "In the binary"))
	same(t, "what tests and the sandbox use", others, documented(t, "In tests"))
}

// Dependencies of tests do not belong in the product's go.mod: it shows what the binary
// uses.
func TestTheProductAsksForWhatItsOwnCodeImports(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{join .Imports "\n"}}{{end}}{{end}}`, ".")
	list.Dir = "../.."
	text, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := strings.Fields(string(text))
	for module := range direct(t, ".") {
		if !slices.ContainsFunc(imports, func(name string) bool { return name == module || strings.HasPrefix(name, module+"/") }) {
			t.Errorf("no code of the service imports %s", module)
		}
	}
}
