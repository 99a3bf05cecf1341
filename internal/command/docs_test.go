package command

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCOMMANDSHasEachCommandAndOption: the guide has a section for each command,
// whose table has a row for each of its options and no other.
func TestCOMMANDSHasEachCommandAndOption(t *testing.T) {
	guide, err := os.ReadFile("../../docs/COMMANDS.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(guide), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		sections[title] = text
	}
	option := regexp.MustCompile("(?m)^\\| `--([a-z-]+)[ `]")
	for _, c := range commands() {
		text, there := sections[c.name]
		if !there || !strings.Contains(string(guide), "\n| [`"+c.name+"`](#"+c.name+") |") {
			t.Errorf("COMMANDS.md has no section %s, or no row that links to it", c.name)
		}
		var documented, want []string
		for _, m := range option.FindAllStringSubmatch(text, -1) {
			documented = append(documented, m[1])
		}
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.prepare(flags)
		flags.VisitAll(func(f *flag.Flag) { want = append(want, f.Name) })
		slices.Sort(documented)
		if !slices.Equal(documented, want) {
			t.Errorf("COMMANDS.md has the options %q of %s, and the code %q", documented, c.name, want)
		}
		delete(sections, c.name)
	}
	delete(sections, "run") // package app has it
	for title := range sections {
		t.Errorf("there is no command %s", title)
	}
}
