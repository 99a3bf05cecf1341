package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"remux-retrier/internal/metrics"
	"remux-retrier/internal/receive"
)

// mostValues is how many values of a label the table of METRICS.md lists. If a label has
// more, such as all reasons, they are in the text.
const mostValues = 10

// All metrics must be documented, and all documented metrics must exist.
func TestMETRICSHasTheTables(t *testing.T) {
	for name, text := range map[string]string{"metrics": exposition(t), "receive": receiveExposition()} {
		path, begin, end := "../docs/METRICS.md", "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
		_, rest, opened := strings.Cut(read(t, path), begin)
		table, _, closed := strings.Cut(rest, end)
		if !opened || !closed {
			t.Fatalf("%s has no table between %q and %q", path, begin, end)
		}
		if want := metricsTable(t, text); table != want {
			t.Errorf("the table of %s differs from the code. It should be:\n\n%s", path, want)
		}
	}
}

// metricsTable returns a table with a row for each metric, by name. The metrics of Go
// and of the process are left out: they are documented elsewhere.
func metricsTable(t *testing.T, text string) string {
	t.Helper()
	const prefix = "remux_retrier_"
	found := scraped(t)
	var table strings.Builder
	table.WriteString("| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n")
	family := regexp.MustCompile(`(?m)^# HELP ` + prefix + `(\w+) (.+)\n# TYPE \w+ (\w+)$`)
	for _, m := range family.FindAllStringSubmatch(text, -1) {
		name, help, kind := m[1], m[2], m[3]
		values, ok := found[prefix+name]
		if !ok { // a histogram's series have one more label, le, than its sum
			values = found[prefix+name+"_sum"]
		}
		var names []string
		for label := range values {
			names = append(names, label)
		}
		slices.Sort(names)
		for i, label := range names {
			names[i] = "`" + label + "`" + listed(label, values[label])
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, kind, strings.Join(names, "; "), help)
	}
	return table.String()
}

// listed returns the values of a label, if they are few and fixed.
func listed(label string, values []string) string {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	if label == "partition" || len(values) > mostValues {
		return ""
	}
	return ": " + strings.Join(values, ", ")
}

func TestMETRICSNamesEachReasonThatOnlyMetricsHave(t *testing.T) {
	guide := read(t, "../docs/METRICS.md")
	for _, reason := range []string{metrics.NotAFailure, metrics.Answered, metrics.Succeeded} {
		if !strings.Contains(guide, "`"+reason+"`") {
			t.Errorf("METRICS.md does not explain the reason %s of events_total", reason)
		}
	}
}

func TestMETRICSNamesEachReasonOfAMessage(t *testing.T) {
	_, guide, _ := strings.Cut(read(t, "../docs/METRICS.md"), "\n## remux-retrier receive\n")
	guide, _, _ = strings.Cut(guide, "\n## ")
	for result, reasons := range receive.Reasons() {
		for _, reason := range reasons {
			if !strings.Contains(guide, "| `"+result+"` | `"+reason+"` |") {
				t.Errorf("METRICS.md does not explain %s, %s", result, reason)
			}
		}
	}
}
