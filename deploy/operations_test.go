package deploy_test

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/pace"
)

const operations = "../docs/OPERATIONS.md"

func TestEveryAlertHasItsParagraphAndViceVersa(t *testing.T) {
	guide, rules := read(t, operations), read(t, "prometheus/rules.yaml")
	paragraphs := map[string]string{}
	for _, p := range strings.Split(guide, "\n### ")[1:] {
		title, text, _ := strings.Cut(p, "\n")
		paragraphs[title], _, _ = strings.Cut(text, "\n## ")
	}
	alerts := regexp.MustCompile(`(?s)- alert: (\w+)\n.*?runbook_url: (\S+)\n`).FindAllStringSubmatch(rules, -1)
	for _, alert := range alerts {
		name, url := alert[1], alert[2]
		if want := "docs/OPERATIONS.md#" + strings.ToLower(name); url != want {
			t.Errorf("%s: runbook_url is %s, want %s", name, url, want)
		}
		for _, part := range []string{"**Means.** ", "**Look.** ", "**Do.** "} {
			if !strings.Contains(paragraphs[name], part) {
				t.Errorf("the paragraph of %s has no %s", name, part)
			}
		}
		delete(paragraphs, name)
	}
	for title := range paragraphs {
		if strings.HasPrefix(title, "RemuxRetrier") {
			t.Errorf("there is no alert %s", title)
		}
	}
	if len(alerts) != strings.Count(rules, "- alert:") {
		t.Error("an alert has no runbook_url")
	}
}

func TestEveryAlertHasASceneInWhichItFires(t *testing.T) {
	var scenes strings.Builder
	for _, path := range files(t, "prometheus/*_test.yaml") {
		scenes.WriteString(read(t, path))
	}
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, "prometheus/rules.yaml"), -1) {
		if !strings.Contains(scenes.String(), `alertname="`+alert[1]+`"`) {
			t.Errorf("%s fires in no scene", alert[1])
		}
	}
}

func TestOnlySettingsThatExistAreNamed(t *testing.T) {
	var known []string
	for _, row := range append(config.Table(), config.ReceiveTable()...) {
		known = append(known, row.Name)
		if strings.Contains(row.Description, row.Name+"_FILE names") {
			known = append(known, row.Name+"_FILE")
		}
	}
	setting := regexp.MustCompile(`\b(?:KAFKA|MPC|IAM|RETRY|RECEIVE|SHUTDOWN|HTTP|LOG)_[A-Z_]*[A-Z]\b`)
	for _, path := range files(t, "kubernetes/*/*.yaml", "../*.md", "../docs/*.md") {
		for _, name := range setting.FindAllString(read(t, path), -1) {
			if !slices.Contains(known, name) {
				t.Errorf("%s: there is no setting %s", path, name)
			}
		}
	}
}

// OPERATIONS.md marks log lines and headlines of the page. Each must be in the code word
// for word, so that a search for it succeeds.
func TestTheGuidesLogLinesAreInTheCode(t *testing.T) {
	var code strings.Builder
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			code.WriteString(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile("(?:Log|Page): `([^`]+)`").FindAllStringSubmatch(read(t, operations), -1)
	for _, line := range lines {
		for _, part := range strings.Split(line[1], "…") {
			if !strings.Contains(code.String(), strings.TrimSpace(part)) {
				t.Errorf("nothing in the code says %q", part)
			}
		}
	}
	if len(lines) < 10 {
		t.Errorf("only %d lines are named", len(lines))
	}
}

// TestCapacityIsWhatThePacingGives recomputes the table from the rate that the
// pacing itself reports.
func TestCapacityIsWhatThePacingGives(t *testing.T) {
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	var table strings.Builder
	table.WriteString("| `MPC_REQUESTS_PER_MINUTE` | calls an hour | calls a day | 1,000 events | 10,000 events | 100,000 events |\n|---|---|---|---|---|---|\n")
	for _, quota := range []int{50, 100, 300, 1000, 6000} {
		gate, err := pace.New(pace.Config{PerWindow: quota, Window: time.Minute, MaxInFlight: 64, Clock: clock.System, Logger: silent})
		if err != nil {
			t.Fatal(err)
		}
		gate.Assign(pace.Assignment{Partitions: []int{0, 1, 2, 3, 4, 5, 6, 7}, TopicPartitions: 8})
		rate := gate.State().PerMinute
		fmt.Fprintf(&table, "| %s | %s | %s |", thousands(quota), thousands(int(rate*60+.5)), thousands(int(rate*60*24+.5)))
		for _, events := range []float64{1e3, 1e4, 1e5} {
			fmt.Fprintf(&table, " %s |", rough(time.Duration(events/rate*float64(time.Minute))))
		}
		table.WriteString("\n")
	}
	guide := read(t, operations)
	_, rest, _ := strings.Cut(guide, "<!-- capacity:begin -->\n")
	if got, _, _ := strings.Cut(rest, "<!-- capacity:end -->"); got != table.String() {
		t.Errorf("the guide says\n%s\nbut the pacing gives\n%s", got, table.String())
	}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// rough rounds a duration and writes it with one unit.
func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	default:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
}
