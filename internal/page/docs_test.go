package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documented returns the first cells of a table of docs/PAGE.md that is between comments
// with this name.
func documented(t *testing.T, table string) []string {
	t.Helper()
	_, rest, opened := strings.Cut(guide(t), "<!-- "+table+":begin -->\n")
	text, _, closed := strings.Cut(rest, "<!-- "+table+":end -->")
	if !opened || !closed {
		t.Fatalf("PAGE.md has no table %s", table)
	}
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/PAGE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// words returns a file's constants whose value is a single word.
func words(t *testing.T, file string) (values []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, declaration := range parsed.Decls {
		group, ok := declaration.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			for _, value := range spec.(*ast.ValueSpec).Values {
				literal, ok := value.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					continue
				}
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				if regexp.MustCompile(`^[a-z_]+$`).MatchString(text) {
					values = append(values, text)
				}
			}
		}
	}
	return values
}

func TestPAGEHasEachStateAndNoOther(t *testing.T) {
	want := words(t, "state.go")
	slices.Sort(want)
	if got := documented(t, "states"); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("PAGE.md has the states\n%q\nand the code\n%q", got, want)
	}
}

func TestPAGEHasEachVerdictAndNoOther(t *testing.T) {
	want := append(words(t, "verdict.go"), words(t, "doubtful.go")...)
	slices.Sort(want)
	if got := documented(t, "verdicts"); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("PAGE.md has the verdicts\n%q\nand the code\n%q", got, want)
	}
}

func TestPAGEHasEachPathOfTheAPI(t *testing.T) {
	answer := get(newPage(t, newSource()), "/api/nowhere").Body.String()
	paths := regexp.MustCompile(`/api/[a-z]+(/\{[a-z_]+\})?`).FindAllString(answer, -1)
	if len(paths) < 5 {
		t.Fatalf("the refusal names %q", paths)
	}
	for _, path := range paths {
		if !strings.Contains(guide(t), "\n| `"+path+"` |") {
			t.Errorf("PAGE.md has no row for %s", path)
		}
	}
}
