// Package docs_test checks the links between the project's documents, and that every
// document that a file names exists. Nothing imports it.
package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const root = ".."

// markdown lists the project's documents, relative to root.
func markdown(t *testing.T) []string {
	t.Helper()
	var found []string
	walk(t, func(path string) {
		if filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
	})
	if len(found) < 5 {
		t.Fatalf("only %q were found", found)
	}
	return found
}

// walk visits the project's files, but not testdata and what builds and downloads leave
// behind.
func walk(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bin", "node_modules", "testdata"}, entry.Name()):
			return filepath.SkipDir
		case !entry.IsDir():
			relative, err := filepath.Rel(root, path)
			visit(relative)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence = regexp.MustCompile("(?ms)^```.*?^```")
	code  = regexp.MustCompile("`[^`\n]*`")
	link  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	title = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
)

func TestLinksOfDocumentsResolve(t *testing.T) {
	documents := markdown(t)
	linked := map[string]bool{"README.md": true}
	for _, document := range documents {
		text := code.ReplaceAllString(fence.ReplaceAllString(read(t, document), ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			target, err := resolve(t, document, m[1])
			if err != nil {
				t.Errorf("%s links to %s: %v", document, m[1], err)
			}
			linked[target] = true
		}
	}
	for _, document := range documents {
		if !linked[document] {
			t.Errorf("no document links to %s", document)
		}
	}
}

// resolve gives the file that a link in a document leads to, relative to root.
func resolve(t *testing.T, document, link string) (target string, err error) {
	t.Helper()
	path, anchor, _ := strings.Cut(link, "#")
	target = document
	if path != "" {
		target = filepath.Join(filepath.Dir(document), path)
	}
	if strings.HasPrefix(target, "..") {
		return target, fmt.Errorf("it leads out of the project")
	}
	if _, err := os.Stat(filepath.Join(root, target)); err != nil {
		return target, err
	}
	if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
		return target, fmt.Errorf("%s has no heading #%s", target, anchor)
	}
	return target, nil
}

// anchors are those that GitHub and GitLab make of a document's headings.
func anchors(text string) []string {
	var all []string
	seen := map[string]int{}
	for _, m := range title.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(m[1]))
		if n := seen[name]; n > 0 {
			all = append(all, fmt.Sprintf("%s-%d", name, n))
		} else {
			all = append(all, name)
		}
		seen[name]++
	}
	return all
}

// A README that says everything is not read: what is longer belongs in docs.
func TestREADMEStaysShort(t *testing.T) {
	if n, most := len(strings.Fields(read(t, "README.md"))), 1500; n > most {
		t.Errorf("README.md has %d words, at most %d are meant: move details to docs", n, most)
	}
}

// TestDocumentsThatFilesNameExist: comments, help texts and alerts name documents
// by their path from the project's root.
func TestDocumentsThatFilesNameExist(t *testing.T) {
	mention := regexp.MustCompile(`\bdocs/[A-Z]+\.md(#[a-z0-9_-]+)?`)
	mentions := 0
	walk(t, func(path string) {
		if !slices.Contains([]string{".go", ".yaml", ".yml", ".json", ".md", ".sh", ""}, filepath.Ext(path)) {
			return
		}
		for _, name := range mention.FindAllString(read(t, path), -1) {
			mentions++
			if _, err := resolve(t, "README.md", name); err != nil {
				t.Errorf("%s names %s: %v", path, name, err)
			}
		}
	})
	if mentions < 10 {
		t.Errorf("only %d mentions were found", mentions)
	}
}

func TestHeadingsBecomeTheAnchorsThatSitesMakeOfThem(t *testing.T) {
	for heading, want := range map[string]string{
		"What goes wrong, and what one sees": "what-goes-wrong-and-what-one-sees",
		"Recommended RETRY_SKIP_CODES":       "recommended-retry_skip_codes",
		"Why not …":                          "why-not-",
		"`a` & b":                            "a--b",
	} {
		if got := anchors("# " + heading + "\n"); !slices.Equal(got, []string{want}) {
			t.Errorf("%q becomes %q, want %q", heading, got, want)
		}
	}
	if got := anchors("# A\n## A\n```\n# b\n```\n"); !slices.Equal(got, []string{"a", "a-1"}) {
		t.Errorf("got %q", got)
	}
}
