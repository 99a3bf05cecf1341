package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"remux-retrier/mpcclient"
)

func document(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The first thing that a newcomer copies must work without a warning.
func TestTheSmallestConfigurationOfTheDocumentsIsComplete(t *testing.T) {
	for _, path := range []string{"README.md", "docs/CONFIGURATION.md"} {
		block := regexp.MustCompile(`(?m)^    KAFKA_BROKERS=.*\n(    [A-Z_]+=.*\n)+`).FindString(document(t, path))
		var variables []string
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if strings.HasSuffix(name, fileSuffix) {
				file := filepath.Join(t.TempDir(), "secret")
				if err := os.WriteFile(file, []byte("a-secret\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				value = file
			}
			variables = append(variables, name, value)
		}
		if len(variables) < 6 {
			t.Fatalf("%s has no smallest configuration", path)
		}
		for i := 0; i < len(variables); i += 2 {
			t.Setenv(variables[i], variables[i+1])
		}
		if c, err := Load(); err != nil || len(c.Warnings) > 0 {
			t.Errorf("%s: %v, %q", path, err, c.Warnings)
		}
	}
}

func TestCONFIGURATIONNamesTheRegionsThatAreKnown(t *testing.T) {
	_, unknown := mpcclient.Endpoint("nowhere-1")
	if unknown == nil {
		t.Fatal("every region is known")
	}
	region := regexp.MustCompile(`\b(?:cn|ap|la|na|af|eu|tr|me|sa|ru)-[a-z]+-\d+\b`)
	want := region.FindAllString(unknown.Error(), -1)
	_, section, _ := strings.Cut(document(t, "docs/CONFIGURATION.md"), "\n## Regions\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if got := region.FindAllString(section, -1); len(want) == 0 || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("CONFIGURATION.md has the regions %q, and the client %q", got, want)
	}
}
